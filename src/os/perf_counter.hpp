// SPDX-License-Identifier: MIT
// What the processor and the kernel count for the process, by perf_event_open(2), where that is
// permitted and there is something to count with: in most virtual machines there is not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna::os {

enum class PerfEvent : std::uint8_t {
  kCacheMisses,      // of the last level
  kCacheReferences,  // to it
  kTlbMisses,        // of the data TLB, by loads
  kTlbLoads,
  kPageFaults,  // which the kernel counts, without hardware
};

// Counts for the thread that opens it, and for those that it begins after, and they; not for
// children of a fork. Takes one file descriptor, which the program may close at any time.
//
// Threads: open() and close() one at a time; read() any.
class PerfCounter {
 public:
  constexpr PerfCounter() noexcept = default;
  PerfCounter(const PerfCounter&) = delete;
  PerfCounter& operator=(const PerfCounter&) = delete;

  // Returns 0 or an errno value. Requires: it is not open.
  [[nodiscard]] int open(PerfEvent event) noexcept;

  // An estimate, if there were more events than the processor can count at once. False: it is
  // not open, or nothing was counted yet.
  [[nodiscard]] bool read(std::uint64_t& count) const noexcept;

  // Closes it; in a child of a fork, it was the parent's.
  void close() noexcept;

 private:
  [[nodiscard]] bool is_ours() const noexcept;

  // Zeros at first, so that the counters of a process lie in memory that it does not have yet.
  int file_ = 0;
  std::uint64_t id_ = 0;  // by which the kernel tells it; 0: it is not open
};

// The four events that need hardware.
class PerfCounters {
 public:
  static constexpr std::size_t kEvents = 4;

  constexpr PerfCounters() noexcept = default;
  PerfCounters(const PerfCounters&) = delete;
  PerfCounters& operator=(const PerfCounters&) = delete;

  // All, or none.
  void begin() noexcept;

  // In a child of a fork, which counts anew.
  void resume_child() noexcept {
    if (began_) begin();
  }

  // Whether begin() was called; if so, 0 or the errno value for which nothing is counted.
  [[nodiscard]] bool began() const noexcept { return began_; }
  [[nodiscard]] int error() const noexcept { return error_; }

  [[nodiscard]] bool read(PerfEvent event, std::uint64_t& count) const noexcept {
    return counters_[static_cast<std::size_t>(event)].read(count);
  }

 private:
  bool began_ = false;
  int error_ = 0;
  std::array<PerfCounter, kEvents> counters_;
};

}  // namespace luna::os
