// SPDX-License-Identifier: MIT
// A profile in any of its formats.
#pragma once

#include "base/output.hpp"
#include "telemetry/profile.hpp"
#include "telemetry/profile_format.hpp"

namespace luna {

// False: the output has failed, there is no memory for the tables that a format needs, or the
// format cannot say what the profile was asked for.
[[nodiscard]] bool write_profile(const Profile& profile, ProfileFormat format,
                                 Output& out) noexcept;

}  // namespace luna
