// SPDX-License-Identifier: MIT
#include "base/search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace luna {
namespace {

TEST(Search, FindsThePointWhereTheStandardLibraryDoes) {
  std::vector<int> numbers;
  for (int count = 0; count < 20; ++count) {
    for (int limit = -1; limit <= 2 * count; ++limit) {
      const auto is_before = [limit](int number) { return number < limit; };
      const auto expected = std::partition_point(numbers.begin(), numbers.end(), is_before);
      EXPECT_EQ(partition_point(std::span<const int>(numbers), is_before),
                static_cast<std::size_t>(expected - numbers.begin()));
    }
    numbers.push_back(2 * count);
  }
}

}  // namespace
}  // namespace luna
