// SPDX-License-Identifier: MIT
// Time: cheap and coarse for decay, fine to see what took long.
#pragma once

#include <cstdint>

namespace luna::os {

// Milliseconds of a clock that never goes back; steps of some milliseconds.
[[nodiscard]] std::uint64_t coarse_milliseconds() noexcept;

// The same in nanoseconds, exact.
[[nodiscard]] std::uint64_t nanoseconds() noexcept;

[[nodiscard]] constexpr std::uint64_t to_milliseconds(std::uint64_t nanoseconds) noexcept {
  return nanoseconds / 1'000'000;
}

// The time of day, in nanoseconds since the epoch.
[[nodiscard]] std::uint64_t epoch_nanoseconds() noexcept;

// CPU time of all threads of the process. A system call.
[[nodiscard]] std::uint64_t process_cpu_nanoseconds() noexcept;

// Returns after so long, or somewhat earlier if a signal comes.
void sleep_milliseconds(std::uint64_t milliseconds) noexcept;
void sleep_nanoseconds(std::uint64_t nanoseconds) noexcept;

}  // namespace luna::os
