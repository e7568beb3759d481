// SPDX-License-Identifier: MIT
// Random numbers that are the same everywhere for the same seed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna::test {

// SplitMix64: one multiplication chain, every seed is a good one.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

  // A number below `end`. Requires: `end` > 0.
  [[nodiscard]] constexpr std::size_t below(std::size_t end) noexcept {
    return static_cast<std::size_t>(next() % end);
  }

  // A number from `first` to `last`, both included.
  [[nodiscard]] constexpr std::size_t between(std::size_t first, std::size_t last) noexcept {
    return first + below(last - first + 1);
  }

  [[nodiscard]] constexpr bool one_in(std::size_t chances) noexcept { return below(chances) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace luna::test
