// SPDX-License-Identifier: MIT
#include "pressure/growth_watch.hpp"

namespace luna {

void GrowthWatch::set(bool on, const PressureThresholds& thresholds) noexcept {
  thresholds_ = thresholds;
  const bool was_on = step_.load(std::memory_order_relaxed) != SIZE_MAX;
  if (on != was_on) step_.store(on ? kFirstBytes : SIZE_MAX, std::memory_order_relaxed);
}

os::LimitUse GrowthWatch::review(std::string_view root, const Growth& growth) noexcept {
  os::LimitUse use;
  // pairs with the release below: one after the other
  if (reviewing_.exchange(true, std::memory_order_acquire)) return use;
  if (is_due(growth.grown_bytes)) {
    reviewed_.store(growth.grown_bytes, std::memory_order_relaxed);
    if (is_time(growth)) {
      use = limits_.read(root, thresholds_.low);
      if (growth.own.percent() > use.percent()) use = growth.own;
      looked_ = growth.grown_bytes;
      looked_ms_ = growth.now_ms;
      plan(use);
    }
  }
  reviewing_.store(false, std::memory_order_release);  // pairs with the acquire above
  return use;
}

// A heap that takes memory and gives it back all the time grows far more than the process does.
bool GrowthWatch::is_time(const Growth& growth) const noexcept {
  if (growth.now_ms < looked_ms_) return false;  // another thread has looked since
  return growth.now_ms - looked_ms_ >= kIntervalMs || growth.grown_bytes - looked_ >= urgent_;
}

// Half of the way to the critical threshold is urgent, since others may use the rest of it
// meanwhile. What finer steps gain shrinks with the size of the limit.
void GrowthWatch::plan(const os::LimitUse& use) noexcept {
  std::size_t step = kMostBytes;
  urgent_ = SIZE_MAX;
  if (use.kind != os::LimitKind::kNone) {
    step = static_cast<std::size_t>(use.limit / 256);
    if (step < kLeastBytes) step = kLeastBytes;
    const double percent = thresholds_.critical - use.percent();
    const double half = static_cast<double>(use.limit) * percent / 200;
    urgent_ = half > static_cast<double>(step) ? static_cast<std::size_t>(half) : step;
    if (step > kMostBytes) step = kMostBytes;
    if (urgent_ < step) urgent_ = step;
  }
  // Unless it was switched off meanwhile.
  std::size_t before = step_.load(std::memory_order_relaxed);
  while (before != SIZE_MAX &&
         !step_.compare_exchange_weak(before, step, std::memory_order_relaxed)) {
  }
}

void GrowthWatch::resume_child() noexcept {
  limits_.forget();
  reviewing_.store(false, std::memory_order_relaxed);
}

}  // namespace luna
