// SPDX-License-Identifier: MIT
// The patterns of a profile as JSON: the value of its key `patterns`.
#pragma once

#include "base/output.hpp"
#include "telemetry/profile.hpp"

namespace luna {

// Requires: the profile has patterns.
void write_patterns_json(const Profile& profile, Output& out) noexcept;

}  // namespace luna
