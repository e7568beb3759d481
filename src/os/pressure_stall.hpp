// SPDX-License-Identifier: MIT
// How long tasks waited for memory: /proc/pressure/memory of the machine, memory.pressure of a
// cgroup of version 2.
#pragma once

#include "os/kernel_file.hpp"

#include <cstdint>

namespace luna::os {

inline constexpr KernelFile kMachinePressure = {{}, "/proc/pressure/memory"};

// The share of the last so many seconds, in hundredths of a percent; and all of it since the
// beginning.
struct StallTimes {
  std::uint64_t last_10_s = kUnknown;
  std::uint64_t last_60_s = kUnknown;
  std::uint64_t last_300_s = kUnknown;
  std::uint64_t total_us = kUnknown;
};

// All is kUnknown where the kernel does not measure it, which is not the same as 0.
struct PressureStall {
  [[nodiscard]] bool is_available() const noexcept { return some.total_us != kUnknown; }

  StallTimes some;  // some task waited
  StallTimes full;  // all waited that had something to do
};

[[nodiscard]] PressureStall read_pressure_stall(const KernelFile& file) noexcept;

}  // namespace luna::os
