// SPDX-License-Identifier: MIT
#include "telemetry/cpu_share.hpp"

namespace luna {

void CpuShare::begin(std::uint64_t interval, std::uint64_t cap_percent, std::uint64_t now_ns,
                     std::uint64_t cpu_ns) noexcept {
  const bool on = interval > 1 && cap_percent != 0;
  interval_ = interval;
  cap_percent_ = cap_percent;
  window_cpu_ns_ = cpu_ns;
  calm_windows_ = 0;
  if (interval != 0) cost_ = {interval, 0, 0, 0};  // what was is told after the end, too
  spent_ns_.store(0, std::memory_order_relaxed);
  due_ns_.store(on ? now_ns + kWindowNs : UINT64_MAX, std::memory_order_relaxed);
  on_.store(on, std::memory_order_relaxed);
}

std::uint64_t CpuShare::review(std::uint64_t now_ns, std::uint64_t cpu_ns) noexcept {
  if (!on() || !is_due(now_ns)) return interval_;  // another thread came first
  const std::uint64_t late_ns = now_ns - due_ns_.load(std::memory_order_relaxed);
  due_ns_.store(now_ns + kWindowNs, std::memory_order_relaxed);
  const std::uint64_t ran_ns = cpu_ns > window_cpu_ns_ ? cpu_ns - window_cpu_ns_ : 0;
  if (ran_ns < kMinCpuNs) return interval_;
  window_cpu_ns_ = cpu_ns;
  const std::uint64_t spent_ns = spent_ns_.exchange(0, std::memory_order_relaxed);
  cost_.sampling_ns += spent_ns;
  cost_.cpu_ns += ran_ns;
  // Who takes few samples comes by seldom: then the one window stands for all that went by.
  const std::uint64_t passed = 1 + late_ns / kWindowNs;
  const std::uint64_t worked = ran_ns / kMinCpuNs;
  judge(spent_ns, ran_ns, passed < worked ? passed : worked);
  return interval_;
}

void CpuShare::judge(std::uint64_t spent_ns, std::uint64_t cpu_ns, std::uint64_t windows) noexcept {
  const std::uint64_t allowed_ns = cpu_ns / 100 * cap_percent_;
  if (spent_ns > allowed_ns) {
    widen(spent_ns, allowed_ns);
  } else if (spent_ns >= allowed_ns / kCalm || interval_ == asked()) {
    calm_windows_ = 0;
  } else if ((calm_windows_ += windows) >= kCalmWindows) {
    calm_windows_ = 0;
    interval_ /= 2;
  }
}

// What is spent is about as much less as the interval is wider.
void CpuShare::widen(std::uint64_t spent_ns, std::uint64_t allowed_ns) noexcept {
  calm_windows_ = 0;
  const std::uint64_t before = interval_;
  for (unsigned i = 0; i < kMaxDoublings && spent_ns > allowed_ns; ++i, spent_ns /= 2)
    if (interval_ <= kMaxInterval / 2) interval_ *= 2;
  if (interval_ != before) ++cost_.widened;
}

}  // namespace luna
