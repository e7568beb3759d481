// SPDX-License-Identifier: MIT
// Large blocks that were freed last are kept whole for a request of their length,
// and are in nobody's way.
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::is_zero;
using test::make_dirty;
using test::TestPages;

constexpr std::size_t kPages = 128;
constexpr std::uint64_t kDecayMs = 1000;

// A large block that was written to and set aside.
struct RecentBlock : TestPages {
  explicit RecentBlock(std::size_t block_pages = kPages) {
    memory = take(block_pages);
    make_dirty(memory, block_pages);
    heap.set_aside(memory, block_pages);
  }

  void tick_until(std::uint64_t end_ms) {
    for (; now_ms <= end_ms; now_ms += 10) heap.tick(now_ms, kDecayMs);
  }

  std::byte* memory;
  std::uint64_t now_ms = 100'000;
};

TEST(Recent, BlockIsHandedOutAgainAsItIs) {
  RecentBlock fixture;
  ASSERT_TRUE(fixture.heap.is_recent(fixture.memory));

  EXPECT_EQ(fixture.take(kPages), fixture.memory);
  EXPECT_FALSE(fixture.heap.is_recent(fixture.memory));
  EXPECT_EQ(fixture.memory[kPages * kPageBytes - 1], std::byte{0xd1});
}

TEST(Recent, BlockIsHandedOutOnce) {
  RecentBlock fixture;
  std::byte* first = fixture.take(kPages);
  std::byte* second = fixture.take(kPages);

  EXPECT_NE(first, second);
  EXPECT_EQ(fixture.heap.usage().large_bytes, 2 * kPages * kPageBytes);
}

TEST(Recent, SpanIsHandedOutAgain) {
  RecentBlock fixture(3 * kPagesPerRegion + 5);

  EXPECT_EQ(fixture.take(3 * kPagesPerRegion + 5), fixture.memory);
  EXPECT_EQ(fixture.heap.usage().large_blocks, 1U);
}

TEST(Recent, LongerRequestGetsAnotherBlock) {
  TestPages pages;
  std::byte* memory = pages.take(kPages);
  std::byte* behind = pages.take(kPages);
  pages.heap.set_aside(memory, kPages);

  EXPECT_NE(pages.take(kPages + 1), memory);
  EXPECT_FALSE(pages.heap.is_recent(memory));
  EXPECT_NE(behind, nullptr);
}

TEST(Recent, ShorterRequestGetsJustItsLength) {
  RecentBlock fixture;
  static_cast<void>(fixture.take(kPages - 1));

  EXPECT_EQ(fixture.heap.usage().large_bytes, (kPages - 1) * kPageBytes);
}

TEST(Recent, ZeroedRequestGetsZeros) {
  RecentBlock fixture;
  const std::byte* zeros = fixture.take_zeroed(kPages);

  EXPECT_TRUE(is_zero(zeros, kPages * kPageBytes));
  EXPECT_FALSE(fixture.heap.is_recent(fixture.memory));
}

TEST(Recent, ZeroedRequestOfASpanGetsZeros) {
  RecentBlock fixture(2 * kPagesPerRegion);

  EXPECT_TRUE(is_zero(fixture.take_zeroed(2 * kPagesPerRegion), 2 * kRegionBytes));
}

TEST(Recent, BlockThatIsNotAlignedEnoughIsNotHandedOut) {
  TestPages pages;
  static_cast<void>(pages.take(1));
  std::byte* memory = pages.take(kPages);
  ASSERT_NE(address_of(memory) % (kPages * kPageBytes), 0U);
  pages.heap.set_aside(memory, kPages);

  EXPECT_EQ(address_of(pages.take(kPages, kPages)) % (kPages * kPageBytes), 0U);
}

TEST(Recent, BlockThatIsAlignedEnoughIsHandedOut) {
  TestPages pages;
  std::byte* memory = pages.take(kPages, 64);
  pages.heap.set_aside(memory, kPages);

  EXPECT_EQ(pages.take(kPages, 64), memory);
}

TEST(Recent, FifthBlockGoesTheOrdinaryWay) {
  TestPages pages;
  std::array<std::byte*, 5> blocks;
  for (std::byte*& block : blocks) block = pages.take(kPages);
  for (std::byte* block : blocks) pages.heap.set_aside(block, kPages);

  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(pages.heap.is_recent(blocks[i])) << i;
  EXPECT_FALSE(pages.heap.is_recent(blocks[4]));
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

TEST(Recent, PlaceThatWasTakenServesAgain) {
  TestPages pages;
  std::array<std::byte*, 5> blocks;
  for (std::byte*& block : blocks) block = pages.take(kPages);
  for (std::size_t i = 0; i < 4; ++i) pages.heap.set_aside(blocks[i], kPages);
  static_cast<void>(pages.take(kPages));
  pages.heap.set_aside(blocks[4], kPages);

  EXPECT_TRUE(pages.heap.is_recent(blocks[4]));
}

TEST(Recent, BlockInUseIsNotRecent) {
  TestPages pages;
  std::byte* memory = pages.take(kPages);

  EXPECT_FALSE(pages.heap.is_recent(memory));
}

TEST(Recent, ShortBlocksAreNotKept) {
  RecentBlock shorter(64);
  RecentBlock longer(65);

  EXPECT_FALSE(shorter.heap.is_recent(shorter.memory));
  EXPECT_TRUE(longer.heap.is_recent(longer.memory));
}

TEST(Recent, BlocksOfMoreThan64MebibytesAreNotKept) {
  TestPages pages;
  std::byte* memory = pages.take((std::size_t{1} << 14) + 1);
  pages.heap.set_aside(memory, (std::size_t{1} << 14) + 1);

  EXPECT_FALSE(pages.heap.is_recent(memory));
  EXPECT_EQ(pages.heap.usage().large_blocks, 0U);
}

TEST(Recent, UsageSeesItAsFree) {
  RecentBlock fixture;
  const PageUsage usage = fixture.heap.usage();

  EXPECT_EQ(usage.used, 0U);
  EXPECT_EQ(usage.large_blocks, 0U);
  EXPECT_EQ(usage.dirty, kPages * kPageBytes);
}

TEST(Recent, TrimGivesItBack) {
  RecentBlock fixture;

  EXPECT_EQ(fixture.heap.trim(0), kPages * kPageBytes);
  EXPECT_FALSE(fixture.heap.is_recent(fixture.memory));
  EXPECT_TRUE(is_zero(fixture.memory, kPages * kPageBytes));
}

TEST(Recent, GranuleIsTakenFromItBeforeTheHeapGrows) {
  RecentBlock fixture(kPagesPerRegion);
  const std::byte* granule = fixture.take_granule();

  EXPECT_EQ(granule, fixture.memory);
  EXPECT_EQ(fixture.heap.usage().committed, kRegionBytes);
}

TEST(Recent, RunIsTakenFromItBeforeTheHeapGrows) {
  RecentBlock fixture(kPagesPerRegion);
  const std::byte* run = fixture.take(5);

  EXPECT_EQ(run, fixture.memory);
  EXPECT_EQ(fixture.heap.usage().committed, kRegionBytes);
}

TEST(Recent, LargeRequestIsTakenFromItBeforeTheHeapGrows) {
  RecentBlock fixture(2 * kPagesPerRegion);
  const std::byte* span = fixture.take(2 * kPagesPerRegion - 1);

  EXPECT_EQ(span, fixture.memory);
  EXPECT_EQ(fixture.heap.usage().committed, 2 * kRegionBytes);
}

TEST(Recent, SmallRequestWithTouchedMemoryElsewhereLeavesItAlone) {
  RecentBlock fixture;
  std::byte* run = fixture.take(5);
  make_dirty(run, 5);
  fixture.memory = fixture.take(kPages);
  fixture.heap.put(run);
  fixture.heap.set_aside(fixture.memory, kPages);

  EXPECT_EQ(fixture.take(5), run);
  EXPECT_TRUE(fixture.heap.is_recent(fixture.memory));
}

TEST(Recent, OutlastsAMoment) {
  RecentBlock fixture;
  fixture.tick_until(100'000 + kDecayMs / 4);

  EXPECT_TRUE(fixture.heap.is_recent(fixture.memory));
}

TEST(Recent, IsGivenUpInTime) {
  RecentBlock fixture;
  fixture.tick_until(100'000 + 3 * kDecayMs);

  EXPECT_FALSE(fixture.heap.is_recent(fixture.memory));
  EXPECT_TRUE(is_zero(fixture.memory, kPages * kPageBytes));
  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
}

TEST(Recent, ThreadsNeverGetTheSameBlock) {
  TestPages pages;
  std::atomic<int> mixed_up{0};
  std::vector<std::thread> threads;
  for (std::uint64_t mark = 1; mark <= 3; ++mark) {
    threads.emplace_back([&, mark] {
      for (std::size_t i = 0; i < 3000; ++i) {
        const std::size_t count = kPages + (i * mark) / 7 % 3;
        std::byte* block = pages.take(count);
        test::write_pattern(block, count * kPageBytes, mark);
        if (!test::has_pattern(block, count * kPageBytes, mark)) ++mixed_up;
        pages.heap.set_aside(block, count);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(mixed_up, 0);
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

}  // namespace
}  // namespace luna
