// SPDX-License-Identifier: MIT
// Who frees what whom allocated: the pairs of threads between which most bytes go, in a table
// of fixed size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// Estimates, as those of Amount.
struct ThreadPair {
  std::uint32_t from = 0;  // who allocated; 0: a free place
  std::uint32_t to = 0;    // who freed
  double objects = 0;
  double bytes = 0;
};

// Unbiased Space Saving: Ting, "Data sketches for disaggregated subset sum and frequent item
// estimation", 2018, after Metwally, Agrawal and El Abbadi, 2005; in sets of kWays, which keeps
// each step short. When a set is full, the new pair and the smallest one of it become one, which
// is either of them with the probability of its bytes. What each pair is said to have is right
// on the average; it is exact as long as no set overflows; the sum of bytes is always exact.
//
// An object that is all zeros is empty. Threads: guarded by the profiler.
class ThreadPairs {
 public:
  static constexpr std::size_t kSets = 32;
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kPairs = kSets * kWays;

  // So much was freed. Threads without a number are counted apart.
  void add(std::uint32_t from, std::uint32_t to, double objects, double bytes) noexcept;

  [[nodiscard]] const std::array<ThreadPair, kPairs>& pairs() const noexcept { return pairs_; }

  [[nodiscard]] double own_bytes() const noexcept { return own_bytes_; }  // by who allocated
  [[nodiscard]] double crossed_bytes() const noexcept { return crossed_bytes_; }  // by others
  [[nodiscard]] double unknown_bytes() const noexcept { return unknown_bytes_; }
  [[nodiscard]] std::uint64_t merges() const noexcept { return merges_; }  // 0: all is exact

 private:
  void merge(ThreadPair& old, const ThreadPair& come) noexcept;
  [[nodiscard]] double uniform() noexcept;

  double own_bytes_;
  double crossed_bytes_;
  double unknown_bytes_;
  std::uint64_t merges_;
  std::uint64_t random_;
  std::array<ThreadPair, kPairs> pairs_;
};

}  // namespace luna
