// SPDX-License-Identifier: MIT
// The limits of the process's memory, and how near it is to that which it meets first: those of
// its cgroups (cgroup.hpp) and those of setrlimit(2).
#pragma once

#include "os/cgroup.hpp"

#include <cstdint>
#include <string_view>

namespace luna::os {

// kUnlimited, or kUnknown where the kernel does not say.
struct ProcessLimits {
  std::uint64_t address_space = kUnknown;
  std::uint64_t data = kUnknown;
};

[[nodiscard]] ProcessLimits read_process_limits() noexcept;

// What the kernel counts against them.
struct ProcessUsage {
  std::uint64_t address_space = kUnknown;
  std::uint64_t data = kUnknown;  // private and writable, but for stacks
};

[[nodiscard]] ProcessUsage read_process_usage(std::string_view root) noexcept;

// kOwn is one that the options set: see pressure/.
enum class LimitKind : std::uint8_t { kNone, kCgroup, kAddressSpace, kData, kOwn };

struct LimitUse {
  // Of the limit; 0 without one.
  [[nodiscard]] double percent() const noexcept {
    if (kind == LimitKind::kNone) return 0;
    if (limit == 0) return 100;
    return static_cast<double>(used) * 100 / static_cast<double>(limit);
  }

  LimitKind kind = LimitKind::kNone;
  std::uint64_t used = 0;
  std::uint64_t limit = 0;
};

// The limit of which most is used: of a cgroup that is nearly full, it need not be the least.
// A cgroup's use is its working set, which the page cache that nobody needs is no part of.
// Where that would be less than `from_percent` even with all of the page cache, it is told with
// it, and the file that takes the kernel long is not read.
[[nodiscard]] LimitUse nearest_limit(std::string_view root, const CgroupPlace& place,
                                     const ProcessLimits& limits, double from_percent) noexcept;

}  // namespace luna::os
