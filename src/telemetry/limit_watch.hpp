// SPDX-License-Identifier: MIT
// Looks out for the moment when the process comes near a limit of its memory.
// os/memory_limit.hpp says which limits there are.
#pragma once

#include "os/cgroup.hpp"

#include <atomic>
#include <cstdint>
#include <string_view>

namespace luna {

// The use of something rises to a threshold: said once, and again only after it has fallen
// well below. Threads: one at a time.
class Crossing {
 public:
  static constexpr double kFall = 5;  // percentage points

  // The use is so many percent. True: it has crossed the threshold, of `at` percent.
  [[nodiscard]] bool note(double percent, double at) noexcept;

 private:
  bool is_above_ = false;
};

// Files are read at most every kIntervalMs, by one thread, and only if somebody asks: there is
// no thread for it.
//
// Threads: any, but for resume_child().
class LimitWatch {
 public:
  static constexpr std::uint64_t kIntervalMs = 100;
  static constexpr unsigned kReviewsOfPlace = 50;  // then the cgroup is looked for anew

  constexpr LimitWatch() noexcept = default;
  LimitWatch(const LimitWatch&) = delete;
  LimitWatch& operator=(const LimitWatch&) = delete;

  // At so many percent of the limit that is nearest; 0: never. Where nothing changes nothing is
  // written, for it may lie in a page that nobody has touched.
  void set(std::uint64_t percent) noexcept {
    if (percent != percent_.load(std::memory_order_relaxed))
      percent_.store(percent, std::memory_order_relaxed);
  }

  [[nodiscard]] bool on() const noexcept { return percent_.load(std::memory_order_relaxed) != 0; }

  // Whether review() is to be called.
  [[nodiscard]] bool is_due(std::uint64_t now_ms) const noexcept {
    return on() && now_ms >= due_ms_.load(std::memory_order_relaxed);
  }

  // True: the use has risen to so many percent since the last time. False also where no limit
  // can be seen, or another thread is at it. The files are looked for below `root`.
  [[nodiscard]] bool review(std::string_view root, std::uint64_t now_ms) noexcept;

  // Who was at it is not in the child of a fork.
  void resume_child() noexcept;

 private:
  [[nodiscard]] bool has_crossed(std::string_view root) noexcept;

  std::atomic<std::uint64_t> percent_{0};
  std::atomic<std::uint64_t> due_ms_{0};
  std::atomic<bool> reviewing_{false};
  // Of the thread that is at it.
  unsigned reviews_left_ = 0;  // before the cgroup is looked for
  Crossing crossing_;
  double crossing_at_ = 0;  // the percent it is of
  os::CgroupPlace place_;
};

}  // namespace luna
