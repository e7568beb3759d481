// SPDX-License-Identifier: MIT
// A profile for people: the totals, then the sites that hold the most memory.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

#include <cstddef>

namespace luna {

// Writes at most `max_sites`, each of which costs a walk over all. False: the output has
// failed.
[[nodiscard]] bool write_profile_text(const Profile& profile, Modules modules,
                                      std::size_t max_sites, Output& out) noexcept;

}  // namespace luna
