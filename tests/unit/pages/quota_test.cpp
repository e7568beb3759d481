// SPDX-License-Identifier: MIT
#include "pages/quota.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace luna {
namespace {

TEST(Quota, ClaimsUpToTheLimit) {
  Quota quota;
  quota.begin(nullptr, 100);

  EXPECT_TRUE(quota.claim(60));
  EXPECT_FALSE(quota.claim(41));
  EXPECT_EQ(quota.used(), 60U);
  EXPECT_TRUE(quota.claim(40));
  quota.release(70);
  EXPECT_EQ(quota.used(), 30U);
  EXPECT_EQ(quota.peak(), 100U);
}

TEST(Quota, NoClaimOverflows) {
  Quota quota;
  quota.begin(nullptr, SIZE_MAX - 1);
  ASSERT_TRUE(quota.claim(10));

  EXPECT_FALSE(quota.claim(SIZE_MAX - 5));
  EXPECT_FALSE(quota.claim(SIZE_MAX));
  EXPECT_EQ(quota.used(), 10U);
}

TEST(Quota, ALowerLimitTakesNothingAway) {
  Quota quota;
  quota.begin(nullptr, 100);
  ASSERT_TRUE(quota.claim(80));
  quota.set_limit(50);

  EXPECT_EQ(quota.used(), 80U);
  EXPECT_FALSE(quota.claim(1));
  quota.release(40);
  EXPECT_TRUE(quota.claim(10));
}

TEST(Quota, WhatIsBelowCountsAbove) {
  Quota root;
  Quota left;
  Quota right;
  root.begin(nullptr, 100);
  left.begin(&root, 80);
  right.begin(&root, 80);

  EXPECT_TRUE(left.claim(70));
  EXPECT_FALSE(right.claim(31));
  EXPECT_EQ(right.used(), 0U);
  EXPECT_EQ(right.peak(), 0U);
  EXPECT_TRUE(right.claim(30));
  EXPECT_EQ(root.used(), 100U);
  left.release(70);
  EXPECT_EQ(root.used(), 30U);
}

// Whatever is claimed at the same time, the sum stays below the limit.
TEST(Quota, ThreadsNeverExceedIt) {
  Quota root;
  std::vector<Quota> below(4);
  root.begin(nullptr, 1000);
  for (Quota& quota : below) quota.begin(&root, 600);
  std::vector<std::thread> threads;
  for (Quota& quota : below) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 20'000; ++i) {
        if (!quota.claim(i % 400)) continue;
        EXPECT_LE(root.used(), 1000U);
        quota.release(i % 400);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(root.used(), 0U);
  EXPECT_LE(root.peak(), 1000U);
}

TEST(Charge, FollowsWhatIsInUse) {
  Quota quota;
  quota.begin(nullptr, 100);
  Charge charge;
  charge.begin(&quota);

  EXPECT_TRUE(charge.covers(50));
  EXPECT_TRUE(charge.covers(40));
  EXPECT_EQ(quota.used(), 50U);
  EXPECT_FALSE(charge.covers(101));
  charge.settle(60);
  EXPECT_EQ(quota.used(), 50U);
  charge.settle(10);
  EXPECT_EQ(quota.used(), 10U);
}

TEST(Charge, WithoutAQuotaAllIsCovered) {
  Charge charge;

  EXPECT_TRUE(charge.covers(SIZE_MAX));
  charge.settle(0);
}

}  // namespace
}  // namespace luna
