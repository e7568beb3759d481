// SPDX-License-Identifier: MIT
// A limit on what the page heap has.
#include "pages/page_heap.hpp"
#include "support/release_window.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kPagesPerMiB = kMiB / kPageBytes;

struct Limited {
  explicit Limited(std::size_t mebibytes) { heap.set_hard_limit(mebibytes * kMiB); }
  ~Limited() {
    heap.verify();
    test::release_window(window);
  }

  [[nodiscard]] std::size_t backed() {
    const PageTotals totals = heap.totals();
    return totals.used + totals.dirty;
  }

  Window window;
  PageHeap heap{window};
};

TEST(HardLimit, RunsEndThere) {
  Limited limited(10);
  std::size_t count = 0;
  while (limited.heap.take(kPagesPerMiB, 1, false) != nullptr) ++count;

  EXPECT_EQ(count, 10U);
}

TEST(HardLimit, GranulesEndThere) {
  Limited limited(10);
  std::size_t count = 0;
  for (GranulesTaken taken = limited.heap.take_granules(7); taken.memory != nullptr;
       taken = limited.heap.take_granules(7))
    count += taken.count;

  EXPECT_EQ(count * kPagesPerGranule, 10 * kPagesPerMiB);
}

TEST(HardLimit, SpansAndHugeBlocksAreRefused) {
  Limited limited(10);

  EXPECT_EQ(limited.heap.take(11 * kPagesPerMiB, 1, false), nullptr);
  EXPECT_EQ(limited.heap.take(2048 * kPagesPerMiB, 1, false), nullptr);
  EXPECT_NE(limited.heap.take(10 * kPagesPerMiB, 1, false), nullptr);
}

TEST(HardLimit, HugeBlocksMakeRoomOfWhatIsFree) {
  Limited limited(1200);
  for (int i = 0; i < 2; ++i) {
    void* memory = limited.heap.take(200 * kPagesPerMiB, 1, true);
    ASSERT_NE(memory, nullptr);
    std::memset(memory, 1, 200 * kMiB);
    limited.heap.put(memory);
  }
  ASSERT_GE(limited.heap.totals().dirty, 100 * kMiB);

  EXPECT_NE(limited.heap.take(1100 * kPagesPerMiB, 1, false), nullptr);
  EXPECT_LE(limited.backed(), 1200 * kMiB);
}

TEST(HardLimit, NothingGrowsBeyondIt) {
  Limited limited(10);
  void* run = limited.heap.take(10, 1, false);
  void* span = limited.heap.take(9 * kPagesPerMiB, 1, false);
  ASSERT_NE(run, nullptr);
  ASSERT_NE(span, nullptr);

  EXPECT_FALSE(limited.heap.resize(span, 10 * kPagesPerMiB));
  EXPECT_FALSE(limited.heap.resize(run, kPagesPerMiB + 1));
  EXPECT_TRUE(limited.heap.resize(run, 20));
}

TEST(HardLimit, WhatIsFreedMayBeHadAgain) {
  Limited limited(10);
  for (int i = 0; i < 20; ++i) {
    void* span = limited.heap.take(10 * kPagesPerMiB, 1, false);
    ASSERT_NE(span, nullptr);
    limited.heap.put(span);
  }
}

TEST(HardLimit, WhatIsFreeAndBackedCounts) {
  Limited limited(100);
  std::vector<void*> runs;
  for (std::size_t i = 0; i < 3000; ++i) runs.push_back(limited.heap.take(8, 1, false));
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (i % 2 != 0) limited.heap.put(runs[i]);
  // No run that is free now is long enough for these.
  while (limited.heap.take(kPagesPerMiB, 1, false) != nullptr)
    EXPECT_LE(limited.backed(), 101 * kMiB);

  EXPECT_GT(limited.backed(), 95 * kMiB);
}

}  // namespace
}  // namespace luna
