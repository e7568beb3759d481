// SPDX-License-Identifier: MIT
// How many blocks a thread may hold in its lists, class by class.
#pragma once

#include "heap/size_class.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// Each limit starts at two blocks. It doubles when the list is empty that was full
// before, for then what it could not hold was wanted again; so busy classes have
// long lists, and threads that only give up what they have little memory. All of
// them together stay within a budget, which grows by the same signal; beyond it,
// what one class gains others lose. After the slow start of gperftools' thread
// caches.
//
// Threads: that of its heap.
class ListLimits {
 public:
  // The budget at first, and how far it may grow: bytes of blocks if each list is
  // as long as it may be. Not counted is the limit at first.
  static constexpr std::size_t kFirstBudget = std::size_t{192} * 1024;
  static constexpr std::size_t kMaxBudget = std::size_t{1} << 20;

  ListLimits() noexcept { limits_.fill(kFirstLimit); }

  [[nodiscard]] std::uint32_t of(SizeClass size_class) const noexcept {
    return limits_[size_class];
  }

  // Raises a limit, up to twice as high.
  void raise(SizeClass size_class) noexcept {
    const std::size_t size = block_bytes(size_class);
    const std::size_t limit = limits_[size_class];
    std::size_t blocks = limit < kMaxListBlocks - limit ? limit : kMaxListBlocks - limit;
    if (bytes_ + blocks * size > budget_) make_room(size_class, blocks * size);
    const std::size_t room = budget_ > bytes_ ? (budget_ - bytes_) / size : 0;
    if (blocks > room) blocks = room;
    bytes_ += blocks * size;
    limits_[size_class] = static_cast<std::uint16_t>(limit + blocks);
  }

  // Back to the start.
  void reset(SizeClass size_class) noexcept { lower(size_class, kFirstLimit); }

 private:
  static constexpr std::uint32_t kFirstLimit = 2;
  static constexpr std::size_t kMaxListBlocks = 1024;
  static constexpr std::size_t kBudgetStep = std::size_t{64} * 1024;

  void make_room(SizeClass size_class, std::size_t bytes) noexcept {
    if (budget_ < kMaxBudget) budget_ += kBudgetStep;
    for (std::size_t i = 0; i < kSizeClasses && bytes_ + bytes > budget_; ++i) {
      loser_ = (loser_ + 1) % kSizeClasses;
      if (loser_ != size_class && limits_[loser_] >= 2 * kFirstLimit)
        lower(loser_, limits_[loser_] / 2U);
    }
  }

  void lower(std::size_t size_class, std::uint32_t limit) noexcept {
    bytes_ -= (limits_[size_class] - limit) * block_bytes(static_cast<SizeClass>(size_class));
    limits_[size_class] = static_cast<std::uint16_t>(limit);
  }

  std::size_t bytes_ = 0;
  std::size_t budget_ = kFirstBudget;
  std::size_t loser_ = 0;  // the class that lost last
  std::array<std::uint16_t, kSizeClasses> limits_;
};

}  // namespace luna
