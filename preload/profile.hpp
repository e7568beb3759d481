// SPDX-License-Identifier: MIT
// The profile of the process: begun by an option or by the program, and written to files.
#pragma once

#include "telemetry/profile_format.hpp"
#include "telemetry/profile_kind.hpp"
#include "telemetry/profiler.hpp"

#include <cstdint>

namespace luna {

// What the options say of it.
[[nodiscard]] ProfilerLimits profile_limits() noexcept;

// Here and below, EBUSY: a signal handler calls, and has interrupted the allocator.

// Returns 0 or an errno value.
[[nodiscard]] int start_profile(std::uint64_t interval) noexcept;

// Does nothing in such a handler.
void stop_profile() noexcept;

// Writes it to `path`, or where the options say if that is nullptr. Returns 0 or an errno value.
// EINVAL: the format cannot say this kind, or the option makes no sense.
[[nodiscard]] int dump_profile(const char* path, ProfileKind kind, ProfileFormat format) noexcept;

// Why a profile is written to a name of our own making, which says it of a limit.
enum class DumpReason : std::uint8_t { kAsked, kNearLimit };

// Writes it where the options say. Returns the same.
[[nodiscard]] int dump_named_profile(DumpReason reason, ProfileKind kind,
                                     ProfileFormat format) noexcept;

// Returns 0 or an errno value.
[[nodiscard]] int mark_profile() noexcept;

// What the options ask for when the process begins and ends; failures go to stderr.
void begin_profile() noexcept;
void end_profile() noexcept;

}  // namespace luna
