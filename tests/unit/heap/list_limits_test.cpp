// SPDX-License-Identifier: MIT
// How lists gain and lose: what one may hold depends on all others.
#include "heap/list_limits.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

constexpr std::size_t kSmallest = 0;                // 16 bytes
constexpr std::size_t kLargest = kSizeClasses - 1;  // 16 KiB
constexpr std::size_t kShortestRun = kSizeClasses;
constexpr std::size_t kLongestRun = kLists - 1;

// Bytes that a list may hold beyond what it may at first.
[[nodiscard]] std::size_t gained_bytes(const ListLimits& limits, std::size_t list) {
  return (limits.of(list) - ListLimits().of(list)) * listed_bytes(list);
}

[[nodiscard]] std::size_t gained_bytes(const ListLimits& limits) {
  std::size_t result = 0;
  for (std::size_t list = 0; list < kLists; ++list) result += gained_bytes(limits, list);
  return result;
}

void raise_often(ListLimits& limits, std::size_t list) {
  for (int i = 0; i < 100; ++i) limits.raise(list);
}

TEST(ListLimits, AreTwoBlocksAtFirstAndOneRun) {
  const ListLimits limits;

  for (std::size_t list = 0; list < kSizeClasses; ++list) EXPECT_EQ(limits.of(list), 2U) << list;
  for (std::size_t list = kSizeClasses; list < kLists; ++list)
    EXPECT_EQ(limits.of(list), 1U) << list;
}

TEST(ListLimits, RaiseDoubles) {
  ListLimits limits;
  for (std::uint32_t expected = 4; expected <= 64; expected *= 2) {
    limits.raise(size_class_of(256));
    EXPECT_EQ(limits.of(size_class_of(256)), expected);
  }
}

TEST(ListLimits, BudgetGrowsNoFurtherThanIsSaid) {
  constexpr std::size_t kMost = 300 * 1024;
  ListLimits limits;
  for (int i = 0; i < 20; ++i) limits.raise(size_class_of(1024), kMost);

  EXPECT_LE(gained_bytes(limits), kMost);
  EXPECT_GT(gained_bytes(limits), ListLimits::kFirstBudget);
}

TEST(ListLimits, BudgetMayGrowBeyondTheUsual) {
  ListLimits limits;
  for (std::size_t list = 0; list < kLists; ++list)
    for (int i = 0; i < 100; ++i) limits.raise(list, 4 * ListLimits::kMaxBudget);

  EXPECT_GT(gained_bytes(limits), ListLimits::kMaxBudget);
}

TEST(ListLimits, ListsBeginAnewWhenTheBudgetIsCut) {
  ListLimits limits;
  for (std::size_t list = 0; list < kLists; ++list) raise_often(limits, list);
  ASSERT_GT(gained_bytes(limits), 64U * 1024);

  limits.raise(kSmallest, 64 * 1024);
  EXPECT_LE(gained_bytes(limits), 64U * 1024);
  limits.raise(kSmallest, 0);
  EXPECT_EQ(gained_bytes(limits), 0U);
  limits.raise(kSmallest, 0);
  EXPECT_EQ(gained_bytes(limits), 0U);
  raise_often(limits, kSmallest);
  EXPECT_GT(gained_bytes(limits), 0U);
}

TEST(ListLimits, RaiseOfOneLeavesOthersAloneWithinTheBudget) {
  ListLimits limits;
  limits.raise(size_class_of(256));
  limits.raise(size_class_of(512));

  EXPECT_EQ(limits.of(size_class_of(256)), 4U);
  EXPECT_EQ(gained_bytes(limits), 2 * 256 + 2 * 512U);
}

TEST(ListLimits, NoListIsLongerThan1024Blocks) {
  ListLimits limits;
  raise_often(limits, kSmallest);

  EXPECT_EQ(limits.of(kSmallest), 1024U);
}

TEST(ListLimits, FirstRaiseBeyondTheBudgetGrowsItByAStep) {
  ListLimits limits;
  while (gained_bytes(limits) + limits.of(kLargest) * kMaxSmallBytes <= ListLimits::kFirstBudget)
    limits.raise(kLargest);
  limits.raise(kLargest);

  EXPECT_GT(gained_bytes(limits), ListLimits::kFirstBudget);
  EXPECT_LE(gained_bytes(limits), ListLimits::kFirstBudget + 64 * 1024);
}

TEST(ListLimits, OneListMayGainTheLargestBudget) {
  ListLimits limits;
  raise_often(limits, kLargest);

  EXPECT_EQ(gained_bytes(limits), ListLimits::kMaxBudget);
}

TEST(ListLimits, RunsGainNoMoreThanTheLargestBudget) {
  ListLimits limits;
  raise_often(limits, kLongestRun);

  EXPECT_LE(gained_bytes(limits), ListLimits::kMaxBudget);
  EXPECT_GT(gained_bytes(limits) + kMaxListedBytes, ListLimits::kMaxBudget);
}

TEST(ListLimits, AnotherLosesHalfWhenTheBudgetIsSpent) {
  ListLimits limits;
  raise_often(limits, kLargest);
  const std::uint32_t before = limits.of(kLargest);

  limits.raise(kLargest - 1);

  EXPECT_EQ(limits.of(kLargest), before / 2);
  EXPECT_EQ(limits.of(kLargest - 1), 4U);
}

TEST(ListLimits, RaisedListDoesNotLoseForItself) {
  ListLimits limits;
  raise_often(limits, kLargest);
  const std::uint32_t before = limits.of(kLargest);

  raise_often(limits, kLargest);

  EXPECT_EQ(limits.of(kLargest), before);
}

TEST(ListLimits, LoserKeepsItsFirstLimit) {
  ListLimits limits;
  raise_often(limits, kShortestRun);
  for (int i = 0; i < 20; ++i) {
    raise_often(limits, kLargest);
    raise_often(limits, kSmallest);
  }

  EXPECT_EQ(limits.of(kShortestRun), 1U);
  EXPECT_GE(limits.of(kSmallest), 2U);
}

TEST(ListLimits, RandomRaisesAndResetsStayWithinTheBounds) {
  const ListLimits first;
  ListLimits limits;
  test::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::size_t list = random.below(kLists);
    random.one_in(4) ? limits.reset(list) : limits.raise(list);

    ASSERT_LE(gained_bytes(limits), ListLimits::kMaxBudget) << i;
    for (std::size_t k = 0; k < kLists; ++k) {
      ASSERT_GE(limits.of(k), first.of(k)) << i;
      ASSERT_LE(limits.of(k), 1024U) << i;
    }
  }
}

TEST(ListLimits, ResetGoesBackToTheFirstLimit) {
  ListLimits limits;
  raise_often(limits, kSmallest);
  raise_often(limits, kShortestRun);
  limits.reset(kSmallest);
  limits.reset(kShortestRun);

  EXPECT_EQ(gained_bytes(limits), 0U);
}

TEST(ListLimits, WhatAResetGivesBackOthersNeedNotLose) {
  ListLimits limits;
  for (int i = 0; i < 3; ++i) limits.raise(kSmallest);
  raise_often(limits, kLargest);
  const std::uint32_t before = limits.of(kSmallest);

  limits.reset(kLargest);
  for (int i = 0; i < 5; ++i) limits.raise(kLargest - 1);

  EXPECT_EQ(limits.of(kSmallest), before);
  EXPECT_EQ(limits.of(kLargest - 1), 64U);
}

}  // namespace
}  // namespace luna
