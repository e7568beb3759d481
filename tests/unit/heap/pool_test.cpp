// SPDX-License-Identifier: MIT
// A pool by itself; with several threads: pool_threads_test.cpp.
#include "heap/pool.hpp"

#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace luna {
namespace {

// A pool that is verified when the test is over, with no page left behind.
struct OnePool {
  explicit OnePool(const PoolOptions& options) : pool(pages.heap, "one", options) {}
  ~OnePool() { pool.verify(); }
  OnePool(const OnePool&) = delete;
  OnePool& operator=(const OnePool&) = delete;

  [[nodiscard]] void* allocate() { return pool.allocate(true); }
  [[nodiscard]] PoolFree deallocate(void* block) { return pool.deallocate(block, true); }
  [[nodiscard]] std::vector<void*> allocate_many(std::size_t count) {
    std::vector<void*> blocks(count);
    for (void*& block : blocks) block = allocate();
    return blocks;
  }
  void deallocate_all(const std::vector<void*>& blocks) {
    for (void* block : blocks) EXPECT_EQ(deallocate(block), PoolFree::kDone);
  }
  [[nodiscard]] std::size_t used_pages() { return pages.heap.usage().used / kPageBytes; }

  test::TestPages pages;
  Pool pool;
};

TEST(Pool, GivesExactlyAsManyBlocksAsItMay) {
  for (const std::size_t most : {1U, 62U, 63U, 64U, 4032U, 4033U, 10'000U}) {
    OnePool fixture({.block_bytes = 64, .max_blocks = most});
    const std::vector<void*> blocks = fixture.allocate_many(most);

    EXPECT_EQ(std::ranges::count(blocks, nullptr), 0) << most;
    EXPECT_EQ(fixture.allocate(), nullptr) << most;
    EXPECT_EQ(fixture.deallocate(blocks[most / 2]), PoolFree::kDone);
    EXPECT_EQ(fixture.allocate(), blocks[most / 2]) << most;
    EXPECT_EQ(fixture.allocate(), nullptr) << most;
  }
}

struct Layout {
  std::size_t block_bytes;
  std::size_t alignment;
  std::size_t count;
};

class PoolLayout : public testing::TestWithParam<Layout> {};

TEST_P(PoolLayout, BlocksAreAlignedAndDoNotOverlap) {
  const auto [bytes, alignment, count] = GetParam();
  OnePool fixture({.block_bytes = bytes, .alignment = alignment});
  const std::vector<void*> blocks = fixture.allocate_many(count);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_NE(blocks[i], nullptr);
    EXPECT_EQ(address_of(blocks[i]) % alignment, 0U);
    test::write_pattern(blocks[i], bytes, i);
  }

  for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(test::has_pattern(blocks[i], bytes, i));
  fixture.deallocate_all(blocks);
}

INSTANTIATE_TEST_SUITE_P(Pool, PoolLayout,
                         testing::Values(Layout{1, 8, 10'000}, Layout{24, 8, 9000},
                                         Layout{100, 16, 9000}, Layout{64, 64, 9000},
                                         Layout{4096, 4096, 300}, Layout{5000, 1024, 300},
                                         Layout{70'000, 16, 40}, Layout{300'000, 4096, 8},
                                         Layout{3 << 20, 16, 3}, Layout{100, 2 << 20, 20}));

TEST(Pool, NoBlockStartsWhatThePageHeapHandedOut) {
  OnePool fixture({.block_bytes = 4096, .alignment = 4096});
  void* block = fixture.allocate();

  // What free() would report, by pages_of_block() in block_lookup.cpp.
  const Region* region = fixture.pages.window.region_of(block);
  const std::size_t page = (address_of(block) - address_of(region->memory)) / kPageBytes;
  EXPECT_EQ(region->run[page], kNoRun);
}

TEST(Pool, MistakesAreToldAndChangeNothing) {
  OnePool fixture({.block_bytes = 64, .max_blocks = 100});
  Pool other(fixture.pages.heap, "other", {.block_bytes = 64});
  auto* block = static_cast<std::byte*>(fixture.allocate());
  void* of_other = other.allocate(true);
  void* freed = fixture.allocate();
  EXPECT_EQ(fixture.deallocate(freed), PoolFree::kDone);
  int on_stack = 0;

  EXPECT_EQ(fixture.deallocate(freed), PoolFree::kNotInUse);
  EXPECT_EQ(fixture.deallocate(block + 64 * 50), PoolFree::kNotInUse);
  EXPECT_EQ(fixture.deallocate(block + 1), PoolFree::kInterior);
  EXPECT_EQ(fixture.deallocate(block + 16), PoolFree::kInterior);
  EXPECT_EQ(fixture.deallocate(block + 64 * 100), PoolFree::kInterior);  // behind the last one
  EXPECT_EQ(fixture.deallocate(of_other), PoolFree::kForeign);
  EXPECT_EQ(fixture.deallocate(&on_stack), PoolFree::kForeign);
  EXPECT_EQ(fixture.pool.usage().used, 1U);
  EXPECT_EQ(other.usage().used, 1U);
  EXPECT_EQ(other.deallocate(of_other, true), PoolFree::kDone);
  EXPECT_EQ(fixture.deallocate(block), PoolFree::kDone);
}

TEST(Pool, WhatLiesBehindAChunkIsNotOfThePool) {
  OnePool fixture({.block_bytes = 5 << 20, .max_blocks = 1});
  auto* block = static_cast<std::byte*>(fixture.allocate());

  EXPECT_TRUE(fixture.pool.owns(block + (5 << 20) - 1));
  EXPECT_FALSE(fixture.pool.owns(block + (6 << 20)));
  EXPECT_EQ(fixture.deallocate(block + (6 << 20)), PoolFree::kForeign);
  EXPECT_EQ(fixture.deallocate(block), PoolFree::kDone);
}

TEST(Pool, LeadOfAChunkIsNoBlock) {
  OnePool fixture({.block_bytes = 64, .max_blocks = 10, .alignment = 64});
  std::vector<void*> blocks = fixture.allocate_many(10);
  auto* first = static_cast<std::byte*>(std::ranges::min(blocks));

  EXPECT_EQ(fixture.deallocate(first - 64), PoolFree::kInterior);
}

TEST(Pool, KeepsEmptyChunksUntilTrim) {
  OnePool fixture({.block_bytes = 4096});
  fixture.deallocate_all(fixture.allocate_many(1000));
  const std::size_t before = fixture.used_pages();
  const std::size_t chunks = fixture.pool.usage().chunk_bytes;

  EXPECT_EQ(fixture.pool.trim(), chunks);
  EXPECT_EQ(fixture.pool.usage().capacity, 0U);
  EXPECT_EQ(fixture.used_pages(), before - chunks / kPageBytes);
  EXPECT_NE(fixture.allocate(), nullptr);
}

TEST(Pool, TrimLeavesWhatIsInUse) {
  OnePool fixture({.block_bytes = 4096});
  std::vector<void*> blocks = fixture.allocate_many(1000);
  void* kept = blocks[500];
  test::write_pattern(kept, 4096, 5);
  std::erase(blocks, kept);
  fixture.deallocate_all(blocks);
  fixture.pool.trim();

  EXPECT_EQ(fixture.pool.usage().used, 1U);
  EXPECT_LE(fixture.pool.usage().chunk_bytes, std::size_t{256} * 1024);
  EXPECT_TRUE(test::has_pattern(kept, 4096, 5));
  EXPECT_EQ(fixture.deallocate(kept), PoolFree::kDone);
}

TEST(Pool, GivesBackAtOnceIfItShall) {
  OnePool fixture({.block_bytes = 4096, .reclaim_on_free = true});
  const std::vector<void*> blocks = fixture.allocate_many(1000);
  const std::size_t before = fixture.pool.usage().chunk_bytes;
  fixture.deallocate_all({blocks.begin(), blocks.begin() + 500});

  EXPECT_LT(fixture.pool.usage().chunk_bytes, before * 6 / 10);
  fixture.deallocate_all({blocks.begin() + 500, blocks.end()});
  EXPECT_EQ(fixture.pool.usage().chunk_bytes, 0U);
}

TEST(Pool, BoundHoldsAfterChunksWentBack) {
  OnePool fixture({.block_bytes = 4096, .max_blocks = 100, .reclaim_on_free = true});
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> blocks = fixture.allocate_many(100);

    EXPECT_EQ(std::ranges::count(blocks, nullptr), 0);
    EXPECT_EQ(fixture.allocate(), nullptr);
    std::ranges::reverse(blocks);
    fixture.deallocate_all(blocks);
  }
}

TEST(Pool, OneThatDoesNotExpandTakesNoPagesLater) {
  OnePool fixture({.block_bytes = 1000, .max_blocks = 5000, .auto_expand = false});
  ASSERT_TRUE(fixture.pool.begin());
  const std::size_t before = fixture.used_pages();
  EXPECT_EQ(fixture.pool.trim(), 0U);
  // No lock may be taken, so no pages either.
  for (int i = 0; i < 5000; ++i) ASSERT_NE(fixture.pool.allocate(false), nullptr);

  EXPECT_EQ(fixture.pool.allocate(false), nullptr);
  EXPECT_EQ(fixture.used_pages(), before);
}

TEST(Pool, WithoutALockItGivesWhatThereIs) {
  OnePool fixture({.block_bytes = 100});
  EXPECT_EQ(fixture.pool.allocate(false), nullptr);
  void* block = fixture.allocate();

  EXPECT_NE(fixture.pool.allocate(false), nullptr);
  EXPECT_EQ(fixture.pool.deallocate(block, false), PoolFree::kDone);
}

TEST(Pool, RefusalOfTheKernelIsADenial) {
  OnePool fixture({.block_bytes = 4096, .max_blocks = 1000});
  fixture.pages.heap.set_hard_limit(std::size_t{1} << 20);
  std::size_t given = 0;
  while (fixture.allocate() != nullptr) ++given;

  EXPECT_GT(given, 100U);
  EXPECT_LT(given, 256U);
  EXPECT_EQ(fixture.pool.usage().denied, 1U);
  fixture.pages.heap.set_hard_limit(SIZE_MAX);
  EXPECT_NE(fixture.allocate(), nullptr);
}

TEST(Pool, OneThatCannotHaveAllAtTheStartSaysSo) {
  OnePool fixture({.block_bytes = 4096, .max_blocks = 1000, .auto_expand = false});
  fixture.pages.heap.set_hard_limit(std::size_t{1} << 20);

  EXPECT_FALSE(fixture.pool.begin());
}

TEST(Pool, UsageTellsWhatThereIs) {
  OnePool fixture({.block_bytes = 4096, .max_blocks = 100});
  std::vector<void*> blocks = fixture.allocate_many(100);
  static_cast<void>(fixture.allocate());
  std::memset(blocks[0], 1, 4096);
  fixture.deallocate_all({blocks.begin() + 30, blocks.end()});
  const PoolUsage usage = fixture.pool.usage();

  EXPECT_EQ(usage.used, 30U);
  EXPECT_EQ(usage.peak, 100U);
  EXPECT_EQ(usage.capacity, 100U);
  EXPECT_EQ(usage.denied, 1U);
  EXPECT_GE(usage.chunk_bytes, 100U * 4096);
  EXPECT_GE(usage.resident_bytes, 4096U);
  EXPECT_LE(usage.resident_bytes, 3U * 65'536);
}

TEST(Pool, EndsWithAllPagesGivenBack) {
  test::TestPages pages;
  {
    Pool pool(pages.heap, "gone", {.block_bytes = 100'000});
    for (int i = 0; i < 200; ++i) ASSERT_NE(pool.allocate(true), nullptr);
  }

  EXPECT_EQ(pages.heap.usage().used, 0U);
}

TEST(Pool, ChildOfAForkHasTheSameBlocks) {
  OnePool fixture({.block_bytes = 100, .max_blocks = 100});
  const std::vector<void*> blocks = fixture.allocate_many(60);
  fixture.pool.prepare_fork();
  fixture.pool.resume_child();

  EXPECT_EQ(fixture.pool.usage().used, 60U);
  EXPECT_EQ(std::ranges::count(fixture.allocate_many(40), nullptr), 0);
  EXPECT_EQ(fixture.allocate(), nullptr);
}

TEST(PoolOptions, AreSoundWithinTheirRanges) {
  EXPECT_TRUE((PoolOptions{.block_bytes = 1}).are_sound());
  EXPECT_TRUE((PoolOptions{.block_bytes = 1, .alignment = 2 << 20}).are_sound());
  EXPECT_FALSE((PoolOptions{.block_bytes = 0}).are_sound());
  EXPECT_FALSE((PoolOptions{.block_bytes = SIZE_MAX}).are_sound());
  EXPECT_FALSE((PoolOptions{.block_bytes = 1, .max_blocks = 0}).are_sound());
  EXPECT_FALSE((PoolOptions{.block_bytes = 1, .max_blocks = std::size_t{1} << 32}).are_sound());
  EXPECT_FALSE((PoolOptions{.block_bytes = 1, .alignment = 4}).are_sound());
  EXPECT_FALSE((PoolOptions{.block_bytes = 1, .alignment = 24}).are_sound());
  EXPECT_FALSE((PoolOptions{.block_bytes = 1, .alignment = 4 << 20}).are_sound());
  EXPECT_FALSE(
      (PoolOptions{.block_bytes = 1, .auto_expand = false, .reclaim_on_free = true}).are_sound());
  EXPECT_FALSE(
      (PoolOptions{.block_bytes = 1, .auto_expand = false, .reclaim_on_purge = true}).are_sound());
}

}  // namespace
}  // namespace luna
