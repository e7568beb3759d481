// SPDX-License-Identifier: MIT
// How many blocks a thread may hold in each of its lists.
#pragma once

#include "heap/size_class.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// Each limit starts at a block or two. It doubles when the list is empty that was full
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

  ListLimits() noexcept {
    for (std::size_t i = 0; i < kLists; ++i) limits_[i] = first_limit(i);
  }

  [[nodiscard]] std::uint32_t of(std::size_t list) const noexcept { return limits_[list]; }

  // Raises a limit, up to twice as high. The budget is no more than `most` from now on.
  void raise(std::size_t list, std::size_t most = kMaxBudget) noexcept {
    if (budget_ > most) cut_budget(most);
    const std::size_t size = listed_bytes(list);
    const std::size_t limit = limits_[list];
    std::size_t blocks = limit < kMaxListBlocks - limit ? limit : kMaxListBlocks - limit;
    if (bytes_ + blocks * size > budget_) make_room(list, blocks * size, most);
    const std::size_t room = budget_ > bytes_ ? (budget_ - bytes_) / size : 0;
    if (blocks > room) blocks = room;
    bytes_ += blocks * size;
    limits_[list] = static_cast<std::uint16_t>(limit + blocks);
  }

  // Back to the start.
  void reset(std::size_t list) noexcept { lower(list, first_limit(list)); }

 private:
  static constexpr std::size_t kMaxListBlocks = 1024;
  static constexpr std::size_t kBudgetStep = std::size_t{64} * 1024;

  // A list takes in one block less: a lone run goes to the page heap.
  [[nodiscard]] static constexpr std::uint16_t first_limit(std::size_t list) noexcept {
    return list < kSizeClasses ? 2 : 1;
  }

  void make_room(std::size_t list, std::size_t bytes, std::size_t most) noexcept {
    budget_ = most - budget_ > kBudgetStep ? budget_ + kBudgetStep : most;
    for (std::size_t i = 0; i < kLists && bytes_ + bytes > budget_; ++i) {
      loser_ = (loser_ + 1) % kLists;
      if (loser_ != list && limits_[loser_] >= 2 * first_limit(loser_))
        lower(loser_, limits_[loser_] / 2U);
    }
  }

  // Somebody wants less than there is: lists begin anew until the rest fits.
  void cut_budget(std::size_t most) noexcept {
    budget_ = most;
    for (std::size_t i = 0; i < kLists && bytes_ > budget_; ++i) {
      loser_ = (loser_ + 1) % kLists;
      reset(loser_);
    }
  }

  void lower(std::size_t list, std::uint32_t limit) noexcept {
    bytes_ -= (limits_[list] - limit) * listed_bytes(list);
    limits_[list] = static_cast<std::uint16_t>(limit);
  }

  std::size_t bytes_ = 0;
  std::size_t budget_ = kFirstBudget;
  std::size_t loser_ = 0;  // the list that lost last
  std::array<std::uint16_t, kLists> limits_;
};

}  // namespace luna
