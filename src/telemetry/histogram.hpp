// SPDX-License-Identifier: MIT
// How many objects fall into each of some buckets, as weights in little memory.
#pragma once

#include "base/mixed.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

// Numbers that are spread evenly, also those of each second or third call: multiples of the
// golden ratio (Weyl). Enough to round without bias.
class RoundingNoise {
 public:
  [[nodiscard]] constexpr std::uint64_t next() noexcept { return state_ += kRandomStep; }

 private:
  std::uint64_t state_ = 0;
};

// The float above or below a value, each as likely as the value is near to it. A float that is
// one already stays. Rounded to the nearest, a sum above 2^24 would not grow by ones.
// Requires: the value is one of a float, but for its precision.
[[nodiscard]] constexpr float rounded_at_random(double value, RoundingNoise& noise) noexcept {
  constexpr int kLostBits = 52 - 23;
  constexpr std::uint64_t kLost = (std::uint64_t{1} << kLostBits) - 1;
  const std::uint64_t bits =
      std::bit_cast<std::uint64_t>(value) + (noise.next() >> (64 - kLostBits));
  return static_cast<float>(std::bit_cast<double>(bits & ~kLost));
}

template <std::size_t kBuckets>
struct Histogram {
  std::array<float, kBuckets> weights{};

  // The weight may be negative, to take back what was added.
  constexpr void add(std::size_t bucket, double weight, RoundingNoise& noise) noexcept {
    const double sum = static_cast<double>(weights[bucket]) + weight;
    weights[bucket] = sum > 0 ? rounded_at_random(sum, noise) : 0;
  }
};

}  // namespace luna
