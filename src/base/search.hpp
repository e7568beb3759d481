// SPDX-License-Identifier: MIT
// Binary search.
#pragma once

#include <cstddef>
#include <span>

namespace luna {

// Index of the first element that is not `is_before`, or how many there are. Requires: those
// that are stand before all others.
template <typename Element, typename IsBefore>
[[nodiscard]] constexpr std::size_t partition_point(std::span<Element> elements,
                                                    IsBefore is_before) noexcept {
  std::size_t low = 0;
  for (std::size_t high = elements.size(); low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (is_before(elements[middle])) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace luna
