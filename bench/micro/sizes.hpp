// SPDX-License-Identifier: MIT
// sizes: the sizes and orders that lines take from tables, so that no random
// generator runs while the clock does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>

namespace bench {

// Returns a size of 16 to 1024 bytes, each as likely as the others.
inline std::uint32_t mixed_size(std::mt19937& random) {
  return static_cast<std::uint32_t>(16 + random() % 1009);
}

template <std::size_t kCount>
std::array<std::uint32_t, kCount> mixed_sizes() {
  std::mt19937 random(71);
  std::array<std::uint32_t, kCount> sizes;
  std::generate(sizes.begin(), sizes.end(), [&] { return mixed_size(random); });
  return sizes;
}

template <std::size_t kCount>
std::array<std::uint32_t, kCount> shuffled() {
  std::array<std::uint32_t, kCount> order;
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937(53));
  return order;
}

}  // namespace bench
