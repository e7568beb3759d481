// SPDX-License-Identifier: MIT
#include "base/heap_sort.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace luna {
namespace {

TEST(HeapSort, SortsAsTheStandardLibraryDoes) {
  test::Random random(1);
  for (std::size_t count = 0; count < 200; ++count) {
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(random.below(100));
    std::vector<std::size_t> expected = numbers;
    std::sort(expected.begin(), expected.end(), std::greater<>());

    heap_sort(numbers.data(), numbers.size(), std::greater<>());

    EXPECT_EQ(numbers, expected);
  }
}

}  // namespace
}  // namespace luna
