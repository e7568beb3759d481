// SPDX-License-Identifier: MIT
// Heapsort: in place, without recursion, and never slower than n log n.
#pragma once

#include <cstddef>
#include <span>

namespace luna {

// Sorts by `is_less(one, other)`. After Williams and Floyd; see Knuth, volume 3, 5.2.3.
template <typename Element, typename IsLess>
void sort(std::span<Element> elements, IsLess is_less) noexcept {
  const auto sift = [&](std::size_t at, std::size_t count) noexcept {
    const Element sunk = elements[at];
    for (std::size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && is_less(elements[child], elements[child + 1])) ++child;
      if (!is_less(sunk, elements[child])) break;
      elements[at] = elements[child];
      at = child;
    }
    elements[at] = sunk;
  };
  for (std::size_t i = elements.size() / 2; i-- > 0;) sift(i, elements.size());
  for (std::size_t end = elements.size(); end-- > 1;) {
    const Element last = elements[end];
    elements[end] = elements[0];
    elements[0] = last;
    sift(0, end);
  }
}

}  // namespace luna
