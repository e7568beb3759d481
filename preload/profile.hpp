// SPDX-License-Identifier: MIT
// The profile of the process: begun by an option or by the program, and written to files.
#pragma once

#include "telemetry/profile_format.hpp"

#include <cstdint>

namespace luna {

// Returns 0 or an errno value.
[[nodiscard]] int start_profile(std::uint64_t interval) noexcept;

// Writes it to `path`, or where the options say if that is nullptr. Returns 0 or an errno value.
[[nodiscard]] int dump_profile(const char* path, ProfileFormat format) noexcept;

// What the options ask for when the process begins and ends; failures go to stderr.
void begin_profile() noexcept;
void end_profile() noexcept;

}  // namespace luna
