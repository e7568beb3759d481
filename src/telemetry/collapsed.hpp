// SPDX-License-Identifier: MIT
// Folded stacks, as flame graphs are drawn from: a line for each site, outermost frame
// first, and a number.
#pragma once

#include "base/output.hpp"
#include "telemetry/columns.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

namespace luna {

// Sites of which the number is not above 0 are left out, for a flame has no negative width.
// False: the output has failed.
[[nodiscard]] bool write_collapsed(const Profile& profile, Modules modules, const Column& column,
                                   Output& out) noexcept;

}  // namespace luna
