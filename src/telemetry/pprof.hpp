// SPDX-License-Identifier: MIT
// A profile in the format of pprof: the message perftools.profiles.Profile of profile.proto,
// in gzip. Names of functions are left to pprof, which finds them by build-id.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

namespace luna {

// Amounts are the estimates. False: no memory for a table of the addresses, with nothing
// written, or the output has failed.
[[nodiscard]] bool write_pprof(const Profile& profile, Modules modules, Output& out) noexcept;

}  // namespace luna
