// SPDX-License-Identifier: MIT
// Sorting in place, without recursion or memory: in n log n steps whatever the order was.
#pragma once

#include <cstddef>
#include <utility>

namespace luna {

// By `stands_before(one, other)`, a strict order. Equal elements may change their order.
// Heapsort: Knuth, The Art of Computer Programming, volume 3, 5.2.3.
template <typename Element, typename Before>
constexpr void heap_sort(Element* elements, std::size_t count, Before stands_before) noexcept {
  const auto sift = [&](std::size_t root, std::size_t end) noexcept {
    for (std::size_t child = 2 * root + 1; child < end; child = 2 * root + 1) {
      if (child + 1 < end && stands_before(elements[child], elements[child + 1])) ++child;
      if (!stands_before(elements[root], elements[child])) return;
      std::swap(elements[root], elements[child]);
      root = child;
    }
  };
  for (std::size_t i = count / 2; i > 0; --i) sift(i - 1, count);
  for (std::size_t last = count; last > 1; --last) {
    std::swap(elements[0], elements[last - 1]);
    sift(0, last - 1);
  }
}

}  // namespace luna
