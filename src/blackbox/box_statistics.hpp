// SPDX-License-Identifier: MIT
// What a record of statistics tells: the books of the allocator, and what the kernel says of the
// process and of its cgroup.
#pragma once

#include "control/statistics_snapshot.hpp"
#include "os/cgroup.hpp"
#include "os/kernel_file.hpp"

#include <lunalloc/blackbox.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// Large: to be made in mapped memory, where it stays. Takes none itself. Threads: one.
class BoxStatistics {
 public:
  BoxStatistics() noexcept = default;
  BoxStatistics(const BoxStatistics&) = delete;
  BoxStatistics& operator=(const BoxStatistics&) = delete;

  // Takes each lock for a short time, and makes system calls; files are read by `reading`.
  void read(Allocator& allocator, Profiler& profiler, os::FileReading reading,
            luna_blackbox_statistics& to) noexcept;

 private:
  void read_books(Allocator& allocator, Profiler& profiler, luna_blackbox_statistics& to) noexcept;
  void read_cgroup(luna_blackbox_statistics& to) noexcept;

  alignas(StatisticsSnapshot) std::array<std::byte, sizeof(StatisticsSnapshot)> snapshot_;
  os::CgroupPlace place_;
  unsigned reads_left_ = 0;  // before the cgroup is looked for anew
  std::uint64_t peak_live_bytes_ = 0;
};

}  // namespace luna
