// SPDX-License-Identifier: MIT
// The report of leaks of the process, which the program or an option asks for.
#pragma once

#include "base/output.hpp"
#include "telemetry/profile_format.hpp"

namespace luna {

// Writes it to `path`, or where the options say if that is nullptr. Returns 0 or an errno
// value. The format is JSON or text.
[[nodiscard]] int dump_leaks(const char* path, ProfileFormat format) noexcept;

// Writes it to `out`, with what nothing points to if it is to be proved. Returns 0; ENOMEM, also if
// the output has failed; or why it could not be proved. Requires: samples were taken.
[[nodiscard]] int write_leaks(ProfileFormat format, bool is_proved, Output& out) noexcept;

// What the option leak_report_at_exit asks for; failures go to stderr.
void report_leaks_at_exit() noexcept;

}  // namespace luna
