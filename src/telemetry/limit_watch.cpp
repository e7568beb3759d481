// SPDX-License-Identifier: MIT
#include "telemetry/limit_watch.hpp"

#include "os/memory_limit.hpp"

namespace luna {

bool Crossing::note(double percent, double at) noexcept {
  const bool crosses = !is_above_ && percent >= at;
  if (crosses) is_above_ = true;
  if (percent <= at - kFall) is_above_ = false;
  return crosses;
}

bool LimitWatch::review(std::string_view root, std::uint64_t now_ms) noexcept {
  // pairs with the release below: one after the other
  if (reviewing_.exchange(true, std::memory_order_acquire)) return false;
  const bool comes_first = is_due(now_ms);
  if (comes_first) due_ms_.store(now_ms + kIntervalMs, std::memory_order_relaxed);
  const bool crossed = comes_first && has_crossed(root);
  reviewing_.store(false, std::memory_order_release);  // pairs with the acquire above
  return crossed;
}

// A process may be moved to another cgroup, but that is rare, and the list of mounts is long.
bool LimitWatch::has_crossed(std::string_view root) noexcept {
  if (reviews_left_ == 0) {
    place_ = os::find_cgroup(root);
    reviews_left_ = kReviewsOfPlace;
  }
  --reviews_left_;
  const auto at = static_cast<double>(percent_.load(std::memory_order_relaxed));
  if (at == 0) return false;  // set to never meanwhile
  if (at != crossing_at_) crossing_ = {};
  crossing_at_ = at;
  const os::LimitUse use =
      os::nearest_limit(root, place_, os::read_process_limits(), at - Crossing::kFall);
  if (use.kind == os::LimitKind::kNone) return false;
  return crossing_.note(use.percent(), at);
}

void LimitWatch::resume_child() noexcept {
  reviews_left_ = 0;  // the place may be half written
  reviewing_.store(false, std::memory_order_relaxed);
}

}  // namespace luna
