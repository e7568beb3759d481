// SPDX-License-Identifier: MIT
// A profile as JSON: everything that is known, with addresses as texts, since not all
// readers keep 64 bits of a number.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

namespace luna {

// Frames are as in Stack: addresses that calls return to. False: the output has failed.
[[nodiscard]] bool write_profile_json(const Profile& profile, Modules modules,
                                      Output& out) noexcept;

}  // namespace luna
