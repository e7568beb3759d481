// SPDX-License-Identifier: MIT
// How many blocks a thread may hold in its lists, class by class.
#pragma once

#include "heap/size_class.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// Each limit starts at one block and doubles whenever its list is full, while all
// of them together stay within a budget; beyond it, what one class gains another
// loses. So busy classes have long lists and idle threads little memory. After
// the slow start of gperftools' thread caches.
//
// Threads: that of its heap.
class ListLimits {
 public:
  // Blocks of all lists together, if each is as long as it may be; not counted is
  // one block of each class.
  static constexpr std::size_t kMaxBytes = std::size_t{192} * 1024;

  ListLimits() noexcept { limits_.fill(1); }

  [[nodiscard]] std::uint32_t of(SizeClass size_class) const noexcept {
    return limits_[size_class];
  }

  // Doubles a limit, unless it is as high as it gets.
  void raise(SizeClass size_class) noexcept {
    const std::size_t limit = limits_[size_class];
    if (2 * limit > max_limit(size_class)) return;
    const std::size_t bytes = limit * block_bytes(size_class);
    bytes_ += bytes;
    for (std::size_t i = 0; i < kSizeClasses && bytes_ > kMaxBytes; ++i) {
      next_to_lose_ = (next_to_lose_ + 1) % kSizeClasses;
      if (next_to_lose_ != size_class) lower(static_cast<SizeClass>(next_to_lose_));
    }
    limits_[size_class] = static_cast<std::uint16_t>(2 * limit);
  }

  // Back to the start.
  void reset(SizeClass size_class) noexcept {
    bytes_ -= (limits_[size_class] - 1U) * block_bytes(size_class);
    limits_[size_class] = 1;
  }

 private:
  static constexpr std::size_t kMaxListBytes = std::size_t{64} * 1024;
  static constexpr std::size_t kMaxListBlocks = 1024;

  [[nodiscard]] static std::size_t max_limit(SizeClass size_class) noexcept {
    const std::size_t blocks = kMaxListBytes / block_bytes(size_class);
    return blocks < kMaxListBlocks ? blocks : kMaxListBlocks;
  }

  void lower(SizeClass size_class) noexcept {
    const std::uint16_t half = limits_[size_class] / 2U;
    if (half == 0) return;
    limits_[size_class] = half;
    bytes_ -= half * block_bytes(size_class);
  }

  std::size_t bytes_ = 0;
  std::size_t next_to_lose_ = 0;
  std::array<std::uint16_t, kSizeClasses> limits_;
};

}  // namespace luna
