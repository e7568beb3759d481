// SPDX-License-Identifier: MIT
#include "base/sort.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace luna {
namespace {

TEST(Sort, BringsElementsIntoOrder) {
  test::Random random(1);
  for (std::size_t count = 0; count < 200; ++count) {
    std::vector<std::size_t> numbers(count);
    for (std::size_t& number : numbers) number = random.below(100);
    std::vector<std::size_t> expected = numbers;
    std::sort(expected.begin(), expected.end());
    sort(std::span<std::size_t>(numbers),
         [](std::size_t one, std::size_t other) noexcept { return one < other; });
    EXPECT_EQ(numbers, expected);
  }
}

}  // namespace
}  // namespace luna
