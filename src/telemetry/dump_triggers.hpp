// SPDX-License-Identifier: MIT
// When a profile is written without a call by the program: after a signal, when what lives has
// grown, at a new peak, or near a limit, which limit_watch.hpp looks out for.
#pragma once

#include "base/relaxed.hpp"

#include <atomic>
#include <cstdint>

namespace luna {

struct DumpLimits {
  std::uint64_t growth_bytes = 0;  // that live more than at the last such profile; 0: never
  std::uint64_t peak_percent = 0;  // that a peak is above the last one written; 0: never
};

// It says only that a profile is due; whoever is where it is safe to write it asks for that.
//
// Threads: note() is guarded by the lock of the profiler; the others any, request() also in
// signal handlers.
class DumpTriggers {
 public:
  // Smaller peaks are not worth a profile.
  static constexpr double kLeastPeak = 16 << 20;

  constexpr DumpTriggers() noexcept = default;
  DumpTriggers(const DumpTriggers&) = delete;
  DumpTriggers& operator=(const DumpTriggers&) = delete;

  void set(const DumpLimits& limits) noexcept {
    growth_bytes_ = limits.growth_bytes;
    peak_percent_ = limits.peak_percent;
  }

  // A profile is due as soon as may be.
  void request() noexcept { due_.store(true); }

  // The same, since a limit of the process's memory is near: its file says so by its name.
  void request_near_limit() noexcept {
    near_limit_.store(true);
    request();
  }

  // So many bytes live now, as far as is known.
  void note(double live_bytes) noexcept;

  [[nodiscard]] bool is_due() const noexcept {
    return due_.load(std::memory_order_relaxed);  // alone: no partner
  }

  // Before a profile that is due is written, and afterwards. False: another thread is at it,
  // or was.
  [[nodiscard]] bool begin_dump() noexcept;
  void end_dump() noexcept { dumping_.store(false); }

  // Between the two: whether that one is due to request_near_limit().
  [[nodiscard]] bool take_near_limit() noexcept { return near_limit_.exchange(false); }

  // Who was at it is not in the child of a fork.
  void resume_child() noexcept { dumping_.store(false); }

 private:
  Relaxed<std::uint64_t> growth_bytes_ = 0;
  Relaxed<std::uint64_t> peak_percent_ = 0;
  std::atomic<bool> due_{false};
  std::atomic<bool> near_limit_{false};
  std::atomic<bool> dumping_{false};
  std::atomic<bool> dumped_{false};  // since the last note()
  double live_bytes_ = 0;
  double dumped_bytes_ = 0;  // that lived at the last profile
  double dumped_peak_ = kLeastPeak;
};

}  // namespace luna
