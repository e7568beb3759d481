// SPDX-License-Identifier: MIT
// Sizes of blocks that are worth trying.
#pragma once

#include "fuzz/input.hpp"

#include <cstddef>
#include <cstdint>

namespace luna::fuzz {

inline constexpr std::size_t kMaxFuzzedBytes = std::size_t{12} << 20;

// Mostly small ones; some by a byte more or less than a power of two, some huge. Never 0.
[[nodiscard]] inline std::size_t draw_size(Input& input) {
  const std::uint8_t kind = input.byte();
  const std::size_t bytes = [&]() -> std::size_t {
    switch (kind % 8) {
      case 5:
        return input.number(2);
      case 6:
        return (std::size_t{1} << input.below(23)) + input.below(3) - 1;
      case 7:
        return static_cast<std::size_t>(input.number(3)) % kMaxFuzzedBytes;
      default:
        return input.below(1100);
    }
  }();
  return bytes == 0 ? 1 : bytes;
}

}  // namespace luna::fuzz
