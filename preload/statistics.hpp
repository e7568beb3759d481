// SPDX-License-Identifier: MIT
// The statistics in all their detail: include/lunalloc/stats.h, and the option stats_file.
#pragma once

#include "base/output.hpp"

#include <lunalloc/stats.h>

namespace luna {

// Writes the file that the option stats_file names, if it names one.
void write_statistics_at_exit() noexcept;

// Requires: the caller is in a slow path. False: no memory.
[[nodiscard]] bool write_statistics(Output& out, luna_stats_format format, unsigned what) noexcept;

}  // namespace luna
