// SPDX-License-Identifier: MIT
// The patterns of a profile in sentences for people.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

namespace luna {

// Requires: the profile has patterns.
void write_patterns_text(const Profile& profile, Modules modules, Output& out) noexcept;

}  // namespace luna
