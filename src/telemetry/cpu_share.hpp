// SPDX-License-Identifier: MIT
// What samples may cost: the time spent on them, against the CPU time of the process. Where
// it is too much, samples are taken less often.
#pragma once

#include "telemetry/profile.hpp"

#include <atomic>
#include <cstdint>

namespace luna {

// Time is cut into windows, of at least kWindowNs by the clock and kMinCpuNs of CPU time: a
// process that hardly runs is judged by as much work as another, only later. It has no clock of
// its own: it is fed with times.
//
// Threads: note() and is_due() any; the others are guarded by the lock of the profiler.
class CpuShare {
 public:
  static constexpr std::uint64_t kWindowNs = 50'000'000;
  static constexpr std::uint64_t kMinCpuNs = 20'000'000;
  static constexpr std::uint64_t kLongestNs = 1'000'000;  // else it did not run all the time
  static constexpr std::uint64_t kCalmWindows = 32;       // before the interval goes back
  static constexpr std::uint64_t kCalm = 4;               // a part of the cap that is calm
  static constexpr unsigned kMaxDoublings = 3;            // at once
  static constexpr std::uint64_t kMaxInterval = std::uint64_t{1} << 30;

  constexpr CpuShare() noexcept = default;
  CpuShare(const CpuShare&) = delete;
  CpuShare& operator=(const CpuShare&) = delete;

  // Begins anew, with the interval that is asked for. An interval of 1, which is to be exact,
  // or a cap of 0 means that nothing is measured; 0 that no samples are taken.
  void begin(std::uint64_t interval, std::uint64_t cap_percent, std::uint64_t now_ns,
             std::uint64_t cpu_ns) noexcept;

  // Whether time is to be measured.
  [[nodiscard]] bool on() const noexcept { return on_.load(std::memory_order_relaxed); }

  // So long something was done for samples.
  void note(std::uint64_t spent_ns) noexcept {
    spent_ns_.fetch_add(spent_ns < kLongestNs ? spent_ns : kLongestNs, std::memory_order_relaxed);
  }

  // Whether review() is to be called.
  [[nodiscard]] bool is_due(std::uint64_t now_ns) const noexcept {
    return now_ns >= due_ns_.load(std::memory_order_relaxed);
  }

  // Ends the window, if the process did enough in it. Returns the interval from now on.
  [[nodiscard]] std::uint64_t review(std::uint64_t now_ns, std::uint64_t cpu_ns) noexcept;

  // That was asked for.
  [[nodiscard]] std::uint64_t asked() const noexcept { return cost_.asked_interval; }

  [[nodiscard]] const SamplingCost& cost() const noexcept { return cost_; }

 private:
  void judge(std::uint64_t spent_ns, std::uint64_t cpu_ns, std::uint64_t windows) noexcept;
  void widen(std::uint64_t spent_ns, std::uint64_t allowed_ns) noexcept;

  std::atomic<bool> on_{false};
  std::atomic<std::uint64_t> spent_ns_{0};  // in this window
  std::atomic<std::uint64_t> due_ns_{UINT64_MAX};
  std::uint64_t interval_ = 0;  // asked() times a power of two
  std::uint64_t cap_percent_ = 0;
  std::uint64_t window_cpu_ns_ = 0;  // of the process, when this window began
  std::uint64_t calm_windows_ = 0;
  SamplingCost cost_;  // without this window
};

}  // namespace luna
