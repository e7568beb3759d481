// SPDX-License-Identifier: MIT
// Decides which allocations of a thread are sampled: each byte handed out is marked with
// the same small probability, and an allocation with a mark in it is a sample. So a block
// of s bytes is one with probability 1 - e^(-s/interval), whatever came before it.
#pragma once

#include "base/math.hpp"
#include "base/mixed.hpp"
#include "heap/size_class.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// The blocks of a list are all of one size, so it is enough to draw how many are handed
// out before the next sample. Nothing is remembered but that number, so it may be drawn
// anew at any time without any change in what is likely. After the per-thread countdown
// of tcmalloc's sampler, with a number of blocks for each list in place of one of bytes.
//
// Threads: that of its heap.
class Meter {
 public:
  [[nodiscard]] bool on() const noexcept { return interval_ != 0; }
  [[nodiscard]] std::uint64_t interval() const noexcept { return interval_; }

  // One sample for so many bytes on the average; 1: every block; 0: none.
  void set(std::uint64_t interval, std::uint64_t seed) noexcept {
    interval_ = interval;
    random_ = mixed(seed);  // lest one thread draw what another drew a moment ago
    bytes_until_ = 0;
  }

  // How many blocks of so many bytes are handed out before one that is a sample.
  // Requires: on().
  [[nodiscard]] std::uint32_t draw_blocks(std::size_t bytes) noexcept {
    if (interval_ == 1) return 0;
    const double blocks = draw() / static_cast<double>(bytes);
    return static_cast<std::uint32_t>(blocks < kMaxBlocks ? blocks : kMaxBlocks);
  }

  // Whether a block that is in no list is sampled. Requires: on().
  [[nodiscard]] bool takes(std::size_t bytes) noexcept {
    if (interval_ == 1) return true;
    if (bytes_until_ <= 0) bytes_until_ = draw();
    bytes_until_ -= static_cast<double>(bytes);
    return bytes_until_ <= 0;
  }

 private:
  // Beyond so many blocks, which fit a signed number, the count is not exact; nobody lives to see
  // it.
  static constexpr double kMaxBlocks = 2e9;

  // Bytes up to the next mark: exponentially distributed.
  [[nodiscard]] double draw() noexcept {
    random_ += kRandomStep;
    const double uniform = (static_cast<double>(mixed(random_) >> 11) + 0.5) * 0x1p-53;
    return -natural_log(uniform) * static_cast<double>(interval_);
  }

  std::uint64_t interval_ = 0;
  std::uint64_t random_ = 0;
  double bytes_until_ = 0;
};

}  // namespace luna
