// SPDX-License-Identifier: MIT
// Which pages are used for what: luna_map_write() of include/lunalloc/stats.h, and the option
// map_at_exit.
#pragma once

#include "base/output.hpp"

namespace luna {

// Requires: the caller is in a slow path. False: no memory.
[[nodiscard]] bool write_map(Output& out) noexcept;

// To the file that the option profile_file names; failures go to stderr.
void write_map_at_exit() noexcept;

}  // namespace luna
