// SPDX-License-Identifier: MIT
// The statistics of this moment, in memory of their own: too large for the stack of a small thread.
#pragma once

#include "control/statistics_snapshot.hpp"
#include "os/memory.hpp"
#include "preload/process.hpp"

#include <new>

namespace luna {

class MappedSnapshot {
 public:
  MappedSnapshot() noexcept : memory_(os::map(sizeof(StatisticsSnapshot))) {}
  ~MappedSnapshot() {
    if (snapshot_ != nullptr) snapshot_->~StatisticsSnapshot();
    if (memory_ != nullptr) os::release(memory_, sizeof(StatisticsSnapshot));
  }
  MappedSnapshot(const MappedSnapshot&) = delete;
  MappedSnapshot& operator=(const MappedSnapshot&) = delete;

  // Requires: the thread is in a slow path. nullptr: no memory.
  [[nodiscard]] const StatisticsSnapshot* take(unsigned what) noexcept {
    if (memory_ == nullptr) return nullptr;
    snapshot_ = ::new (memory_) StatisticsSnapshot;
    snapshot_->read_hardware(process.hardware());
    snapshot_->add_table(process.server().table());
    snapshot_->add_table(process.black_box().table());
    return snapshot_->take(process.allocator(), process.profiler(), what) ? snapshot_ : nullptr;
  }

 private:
  void* memory_;
  StatisticsSnapshot* snapshot_ = nullptr;
};

}  // namespace luna
