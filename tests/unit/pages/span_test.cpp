// SPDX-License-Identifier: MIT
// Blocks of more than a region: spans with their tails, and huge blocks. For how they move see
// move_test.cpp.
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

using test::has_pattern;
using test::has_pattern_prefix;
using test::is_zero;
using test::make_dirty;
using test::TestPages;
using test::write_pattern;

constexpr std::size_t kRegion = kPagesPerRegion;

// More pages than any arena has: such a block is mapped by itself.
constexpr std::size_t kHugePages = kMaxArenaRegions * kPagesPerRegion + 1;

TEST(Span, HoldsAllItsPages) {
  TestPages pages;
  std::byte* span = pages.take(2 * kRegion + 10);
  write_pattern(span, (2 * kRegion + 10) * kPageBytes, 3);

  EXPECT_EQ(address_of(span) % kRegionBytes, 0U);
  EXPECT_TRUE(has_pattern(span, (2 * kRegion + 10) * kPageBytes, 3));
  EXPECT_EQ(pages.heap.usage().large_bytes, (2 * kRegion + 10) * kPageBytes);
}

TEST(Span, TailServesRunsAndGranules) {
  TestPages pages;
  std::byte* span = pages.take(kRegion + 10);
  std::byte* run = pages.take(5);
  std::byte* granule = pages.take_granule();

  const Region* tail = pages.window.region_of(span + kRegionBytes);
  EXPECT_EQ(pages.window.region_of(run), tail);
  EXPECT_EQ(pages.window.region_of(granule), tail);
}

TEST(Span, PutSpanLeavesTheRunsInItsTail) {
  TestPages pages;
  std::byte* span = pages.take(kRegion + 10);
  std::byte* run = pages.take(5);
  write_pattern(run, 5 * kPageBytes, 4);
  pages.heap.put(span);
  make_dirty(pages.take(kRegion + 10), kRegion + 10);

  EXPECT_TRUE(has_pattern(run, 5 * kPageBytes, 4));
  EXPECT_EQ(pages.heap.usage().large_bytes, (kRegion + 15) * kPageBytes);
}

TEST(Span, ZeroedSpanOverDirtyRegionsIsZero) {
  TestPages pages;
  std::byte* dirty = pages.take(3 * kRegion + 100);
  make_dirty(dirty, 3 * kRegion + 100);
  pages.heap.put(dirty);

  std::byte* span = pages.take_zeroed(2 * kRegion + 50);

  EXPECT_EQ(span, dirty);
  EXPECT_TRUE(is_zero(span, (2 * kRegion + 50) * kPageBytes));
}

TEST(Span, TailOfAZeroedSpanKeepsWhatIsDirtyBehindIt) {
  TestPages pages;
  std::byte* dirty = pages.take(2 * kRegion);
  make_dirty(dirty, 2 * kRegion);
  pages.heap.put(dirty);
  std::byte* span = pages.take_zeroed(kRegion + 50);
  ASSERT_EQ(span, dirty);

  EXPECT_TRUE(is_zero(pages.take_zeroed(100), 100 * kPageBytes));
}

TEST(Span, ShrinksWithinItsTail) {
  TestPages pages;
  std::byte* span = pages.take(kRegion + 100);
  make_dirty(span, kRegion + 100);

  ASSERT_TRUE(pages.heap.resize(span, kRegion + 20));

  EXPECT_EQ(pages.heap.usage().large_bytes, (kRegion + 20) * kPageBytes);
  EXPECT_TRUE(is_zero(pages.take_zeroed(80), 80 * kPageBytes));
}

TEST(Span, ShrinksByWholeRegions) {
  TestPages pages;
  std::byte* span = pages.take(5 * kRegion);
  make_dirty(span, 5 * kRegion);

  ASSERT_TRUE(pages.heap.resize(span, 2 * kRegion));

  EXPECT_EQ(pages.heap.usage().used, 2 * kRegionBytes);
  std::byte* next = pages.take_zeroed(3 * kRegion);
  EXPECT_EQ(next, span + 2 * kRegionBytes);
  EXPECT_TRUE(is_zero(next, 3 * kRegionBytes));
}

TEST(Span, ShrinksFromAWholeRegionIntoATail) {
  TestPages pages;
  std::byte* span = pages.take(4 * kRegion);
  make_dirty(span, 4 * kRegion);

  ASSERT_TRUE(pages.heap.resize(span, 2 * kRegion + 1));

  EXPECT_EQ(pages.heap.usage().used, (2 * kRegion + 1) * kPageBytes);
  EXPECT_TRUE(is_zero(pages.take_zeroed(kRegion - 1), (kRegion - 1) * kPageBytes));
  pages.heap.put(span);
}

TEST(Span, ShrinksFromATailToWholeRegions) {
  TestPages pages;
  std::byte* span = pages.take(3 * kRegion + 9);
  write_pattern(span, (3 * kRegion + 9) * kPageBytes, 8);

  ASSERT_TRUE(pages.heap.resize(span, 2 * kRegion));

  EXPECT_TRUE(has_pattern_prefix(span, 2 * kRegionBytes, (3 * kRegion + 9) * kPageBytes, 8));
  pages.heap.put(span);
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

TEST(Span, DoesNotShrinkToARun) {
  TestPages pages;
  std::byte* span = pages.take(2 * kRegion);

  EXPECT_FALSE(pages.heap.resize(span, kRegion));
  EXPECT_EQ(pages.heap.usage().large_bytes, 2 * kRegionBytes);
}

class SpanGrowth : public testing::TestWithParam<std::size_t> {};

TEST_P(SpanGrowth, KeepsTheContentsAndIsPutWhole) {
  TestPages pages;
  const std::size_t old_pages = kRegion + 100;
  std::byte* span = pages.take(old_pages);
  write_pattern(span, old_pages * kPageBytes, 5);

  ASSERT_TRUE(pages.heap.resize(span, GetParam()));

  make_dirty(span + old_pages * kPageBytes, GetParam() - old_pages);
  EXPECT_TRUE(has_pattern(span, old_pages * kPageBytes, 5));
  EXPECT_EQ(pages.heap.usage().used, GetParam() * kPageBytes);
  pages.heap.put(span);
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

INSTANTIATE_TEST_SUITE_P(Span, SpanGrowth,
                         testing::Values(kRegion + 101, 2 * kRegion - 1, 2 * kRegion,
                                         2 * kRegion + 1, 3 * kRegion, 4 * kRegion + 7));

TEST(Span, DoesNotGrowOverARunInItsTail) {
  TestPages pages;
  std::byte* span = pages.take(kRegion + 10);
  static_cast<void>(pages.take(5));

  EXPECT_FALSE(pages.heap.resize(span, kRegion + 11));
  EXPECT_FALSE(pages.heap.resize(span, 2 * kRegion + 11));
  EXPECT_EQ(pages.heap.usage().used, (kRegion + 15) * kPageBytes);
}

TEST(Span, DoesNotGrowOverTheNextSpan) {
  TestPages pages;
  std::byte* span = pages.take(2 * kRegion);
  std::byte* next = pages.take(2 * kRegion);
  ASSERT_EQ(next, span + 2 * kRegionBytes);

  EXPECT_FALSE(pages.heap.resize(span, 2 * kRegion + 1));
}

class SpanAlignment : public testing::TestWithParam<std::size_t> {};

TEST_P(SpanAlignment, IsKept) {
  TestPages pages;
  const std::byte* odd = pages.take(kRegion);
  const std::byte* small = pages.take(1, GetParam() / kPageBytes);
  const std::byte* large = pages.take(kRegion + 1, GetParam() / kPageBytes);

  EXPECT_NE(odd, nullptr);
  EXPECT_EQ(address_of(small) % GetParam(), 0U);
  EXPECT_EQ(address_of(large) % GetParam(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Span, SpanAlignment,
                         testing::Values(2 * kRegionBytes, 16 * kRegionBytes, std::size_t{1} << 29,
                                         std::size_t{1} << 30, std::size_t{1} << 31,
                                         std::size_t{1} << 33, std::size_t{1} << 35));

TEST(Span, AlignedSpanOfFewPagesIsPutWhole) {
  TestPages pages;
  std::byte* span = pages.take(3, 4 * kRegion);
  make_dirty(span, 3);
  EXPECT_FALSE(pages.heap.resize(span, 4));

  pages.heap.put(span);

  EXPECT_EQ(pages.heap.usage().used, 0U);
  EXPECT_TRUE(is_zero(pages.take_zeroed(3), 3 * kPageBytes));
}

TEST(Huge, BlockIsWholeZeroAndItsOwn) {
  TestPages pages;
  std::byte* block = pages.take_zeroed(kHugePages);
  ASSERT_NE(block, nullptr);
  write_pattern(block, kPageBytes, 1);
  write_pattern(block + (kHugePages - 1) * kPageBytes, kPageBytes, 2);

  EXPECT_TRUE(has_pattern(block, kPageBytes, 1));
  EXPECT_TRUE(is_zero(block + kPageBytes, kPageBytes));
  EXPECT_EQ(pages.heap.usage().large_bytes, kHugePages * kPageBytes);
  EXPECT_EQ(pages.window.region_of(block + kHugePages / 2 * kPageBytes),
            pages.window.region_of(block));
  pages.heap.put(block);
}

TEST(Huge, PutBlockLeavesNothingBehind) {
  TestPages pages;
  std::byte* block = pages.take(kHugePages);
  pages.heap.put(block);

  EXPECT_EQ(pages.heap.usage().large_blocks, 0U);
  EXPECT_EQ(pages.heap.usage().reserved, 0U);
  EXPECT_EQ(pages.window.region_of(block)->state, RegionState::kFreedHuge);
}

TEST(Huge, PlaceOfAFreedBlockIsUsedAgain) {
  TestPages pages;
  std::byte* first = pages.take(kHugePages);
  make_dirty(first, 3);
  pages.heap.put(first);

  std::byte* second = pages.take_zeroed(kHugePages);

  EXPECT_EQ(second, first);
  EXPECT_TRUE(is_zero(second, 3 * kPageBytes));
  pages.heap.put(second);
}

TEST(Huge, SeveralLiveSideBySide) {
  TestPages pages;
  std::vector<std::byte*> blocks;
  for (std::uint64_t i = 0; i < 4; ++i) {
    blocks.push_back(pages.take(kHugePages));
    ASSERT_NE(blocks.back(), nullptr);
    write_pattern(blocks.back(), kPageBytes, i);
  }
  pages.heap.put(blocks[1]);
  blocks[1] = pages.take(kHugePages);
  write_pattern(blocks[1], kPageBytes, 1);

  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(has_pattern(blocks[i], kPageBytes, i));
  for (std::byte* block : blocks) pages.heap.put(block);
}

TEST(Huge, ImpossibleSizeIsRefusedAndNothingChanges) {
  TestPages pages;
  static_cast<void>(pages.take(1));
  const std::size_t before = pages.heap.usage().reserved;

  EXPECT_EQ(pages.take(PTRDIFF_MAX / kPageBytes), nullptr);
  EXPECT_EQ(pages.take(1, PTRDIFF_MAX / kPageBytes / 2 + 1), nullptr);
  EXPECT_EQ(pages.heap.usage().reserved, before);
  EXPECT_EQ(pages.heap.usage().large_blocks, 1U);
}

}  // namespace
}  // namespace luna
