// SPDX-License-Identifier: MIT
// The statistics in words, to a file descriptor.
#pragma once

namespace luna {

// Returns 0, or the errno value of write(2).
int print_summary(int file) noexcept;

}  // namespace luna
