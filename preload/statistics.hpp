// SPDX-License-Identifier: MIT
// The statistics in all their detail: include/lunalloc/stats.h, and the option stats_file.
#pragma once

namespace luna {

// Writes the file that the option stats_file names, if it names one.
void write_statistics_at_exit() noexcept;

}  // namespace luna
