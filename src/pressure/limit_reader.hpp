// SPDX-License-Identifier: MIT
// Reads the nearest limit of the process's memory again and again, and remembers where its
// cgroup is, for the list of mounts is long.
#pragma once

#include "os/memory_limit.hpp"
#include "os/pressure_stall.hpp"

#include <string_view>

namespace luna {

// Threads: one at a time. Reads files below `root`: see os::KernelFile.
class LimitReader {
 public:
  static constexpr unsigned kReadsOfPlace = 50;  // then the cgroup is looked for anew

  // os::nearest_limit() of this process.
  [[nodiscard]] os::LimitUse read(std::string_view root, double from_percent) noexcept;

  // Of the cgroup, where the kernel tells it, else of the machine. Requires: read() was called.
  struct Stall {
    os::PressureStall times;
    bool is_own = false;
  };
  [[nodiscard]] Stall read_stall(std::string_view root) const noexcept;

  // The place may be half written, as in the child of a fork.
  void forget() noexcept { reads_left_ = 0; }

 private:
  unsigned reads_left_ = 0;
  os::CgroupPlace place_;
};

}  // namespace luna
