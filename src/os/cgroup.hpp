// SPDX-License-Identifier: MIT
// The memory cgroup of the process, of version 1 or 2: where it is, what it and those above it
// may have, and what they use. See memory_limit.hpp for which limit is nearest.
#pragma once

#include "os/kernel_file.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

enum class CgroupVersion : std::uint8_t { kNone, kV1, kV2 };

// Where the files of a cgroup are: below a mount point, beyond which nothing can be seen.
struct CgroupPlace {
  [[nodiscard]] std::string_view directory() const noexcept { return {text.data(), length}; }

  CgroupVersion version = CgroupVersion::kNone;  // kNone: there is no memory cgroup to be seen
  std::size_t mount_length = 0;                  // of the directory: the mount point
  std::size_t length = 0;
  std::array<char, 768> text{};
};

// A limit: kUnlimited where there is none. All of them: kUnknown where the kernel does not say.
struct CgroupLimits {
  // The least of what follows that does limit, which the soft limit of version 1 does not.
  [[nodiscard]] std::uint64_t least() const noexcept { return max < high ? max : high; }

  std::uint64_t max = kUnknown;   // above it the kernel kills
  std::uint64_t high = kUnknown;  // above it it slows down; only in version 2
  std::uint64_t soft = kUnknown;  // only in version 1: what is above it goes first
};

struct CgroupUsage {
  std::uint64_t bytes = kUnknown;        // with all of the page cache
  std::uint64_t working_set = kUnknown;  // without that part of it that is not in use
};

// How often it came to that, in the cgroup or below it.
struct CgroupEvents {
  std::uint64_t low = kUnknown;
  std::uint64_t high = kUnknown;
  std::uint64_t max = kUnknown;  // of version 1: memory.failcnt
  std::uint64_t oom = kUnknown;
  std::uint64_t oom_kill = kUnknown;
  std::uint64_t under_oom = kUnknown;  // only in version 1: whether it is now
};

// The cgroup of the process. The tree of files begins at `root`: see KernelFile. Nothing is
// found if its path is longer than the place has room for.
[[nodiscard]] CgroupPlace find_cgroup(std::string_view root) noexcept;

// Of the cgroup whose directory it is: that of the place, or one above it.
[[nodiscard]] CgroupLimits read_cgroup_limits(std::string_view root, CgroupVersion version,
                                              std::string_view directory) noexcept;
[[nodiscard]] CgroupEvents read_cgroup_events(std::string_view root, CgroupVersion version,
                                              std::string_view directory) noexcept;

// The same of version 2, from the text of memory.events.
[[nodiscard]] CgroupEvents parse_cgroup_events(std::string_view text) noexcept;

// The kernel reads the working set from all processors, which takes it a while on large
// machines; the bytes alone do not.
[[nodiscard]] std::uint64_t read_cgroup_bytes(std::string_view root, CgroupVersion version,
                                              std::string_view directory) noexcept;
[[nodiscard]] CgroupUsage read_cgroup_usage(std::string_view root, CgroupVersion version,
                                            std::string_view directory) noexcept;

// The directory of the cgroup that one is charged to as well; empty: there is none to be seen,
// or it does not count what is below it.
[[nodiscard]] std::string_view cgroup_above(std::string_view root, const CgroupPlace& place,
                                            std::string_view directory) noexcept;

// The directory of the tightest limit, of the innermost if several have the same; empty: none
// has a limit.
[[nodiscard]] std::string_view tightest_cgroup(std::string_view root,
                                               const CgroupPlace& place) noexcept;

}  // namespace luna::os
