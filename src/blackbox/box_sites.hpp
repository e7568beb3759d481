// SPDX-License-Identifier: MIT
// What a record of sites tells: stacks as addresses, and the modules that they lie in, so that
// names can be found when the process is gone.
#pragma once

#include "telemetry/live_sites.hpp"
#include "telemetry/module_table.hpp"

#include <cstddef>

namespace luna {

inline constexpr std::size_t kMostBoxFrames = 32;  // of a stack, the innermost

// Returns how many bytes it wrote. Modules that find no room are left out. Requires: `to` has a
// multiple of 8 as its address, and `capacity` is at least kLeastSitesBytes.
[[nodiscard]] std::size_t encode_sites(const LiveSites& sites, Modules modules, char* to,
                                       std::size_t capacity) noexcept;

inline constexpr std::size_t kLeastSitesBytes = 8192;

}  // namespace luna
