// SPDX-License-Identifier: MIT
// Folded stacks, as flame graphs are drawn from: a line for each site, outermost frame
// first, and a number.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

#include <cstdint>

namespace luna {

// Which of the estimates is the number.
enum class Measure : std::uint8_t { kLiveBytes, kLiveObjects, kAllocatedBytes, kAllocatedObjects };

// Sites of which the number is 0 are left out. False: the output has failed.
[[nodiscard]] bool write_collapsed(const Profile& profile, Modules modules, Measure measure,
                                   Output& out) noexcept;

}  // namespace luna
