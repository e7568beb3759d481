// SPDX-License-Identifier: MIT
// Looks out for limits while the heap grows, on slow paths, without a thread for it: now and
// then, and without delay where growth may have met a limit. Who does not grow never looks.
#pragma once

#include "os/memory_limit.hpp"
#include "pressure/levels.hpp"
#include "pressure/limit_reader.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Growth is counted in bytes that only ever become more: what was taken from the kernel.
//
// Threads: any, but for resume_child().
class GrowthWatch {
 public:
  static constexpr std::size_t kFirstBytes = std::size_t{4} << 20;  // before the first look
  static constexpr std::size_t kLeastBytes = std::size_t{1} << 20;  // between two
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // between two, in good time
  static constexpr std::uint64_t kIntervalMs = 100;                 // between two, far from limits

  constexpr GrowthWatch() noexcept = default;
  GrowthWatch(const GrowthWatch&) = delete;
  GrowthWatch& operator=(const GrowthWatch&) = delete;

  void set(bool on, const PressureThresholds& thresholds) noexcept;

  // Whether review() is to be called. The counter may wrap around.
  [[nodiscard]] bool is_due(std::size_t grown_bytes) const noexcept {
    const std::size_t step = step_.load(std::memory_order_relaxed);
    const std::size_t more = grown_bytes - reviewed_.load(std::memory_order_relaxed);
    return more >= step && more <= SIZE_MAX / 2;  // else another thread has reviewed since
  }

  // Where the process stands: how much the heap has grown, and the limit that the options
  // set, or none.
  struct Growth {
    std::size_t grown_bytes = 0;
    std::uint64_t now_ms = 0;
    os::LimitUse own;
  };

  // The nearest limit; none where there is none, it is too early, or another thread looks.
  [[nodiscard]] os::LimitUse review(std::string_view root, const Growth& growth) noexcept;

  // Who was at it is not in the child of a fork.
  void resume_child() noexcept;

 private:
  [[nodiscard]] bool is_time(const Growth& growth) const noexcept;
  void plan(const os::LimitUse& use) noexcept;

  std::atomic<std::size_t> step_{SIZE_MAX};
  std::atomic<std::size_t> reviewed_{0};  // growth at the last review
  std::atomic<bool> reviewing_{false};
  PressureThresholds thresholds_;
  // Of the thread that is at it.
  std::size_t looked_ = 0;  // growth at the last look, and when that was
  std::uint64_t looked_ms_ = 0;
  std::size_t urgent_ = 0;  // after so much more the next comes without delay
  LimitReader limits_;
};

}  // namespace luna
