// SPDX-License-Identifier: MIT
// Granules and runs of up to a region; for spans see span_test.cpp, for random
// sequences page_heap_model_test.cpp.
#include "pages/page_heap.hpp"

#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace luna {
namespace {

using test::is_zero;
using test::make_dirty;
using test::TestPages;

TEST(PageHeap, BeginsWithoutAnyMemory) {
  TestPages pages;
  const PageUsage usage = pages.heap.usage();

  EXPECT_EQ(usage.reserved, 0U);
  EXPECT_EQ(usage.committed, 0U);
  EXPECT_EQ(usage.metadata, 0U);
}

TEST(PageHeap, GranulesAreAlignedAndApart) {
  TestPages pages;
  std::set<std::byte*> granules;
  for (int i = 0; i < 100; ++i) {
    std::byte* granule = pages.take_granule();
    ASSERT_EQ(address_of(granule) % kGranuleBytes, 0U);
    make_dirty(granule, kPagesPerGranule);
    granules.insert(granule);
  }

  EXPECT_EQ(granules.size(), 100U);
  EXPECT_EQ(pages.heap.usage().slabs, 100 * kGranuleBytes);
}

TEST(PageHeap, GranuleThatWasPutIsTakenAgain) {
  TestPages pages;
  std::byte* granule = pages.take_granule();
  std::byte* other = pages.take_granule();
  pages.heap.put_granule(granule, kPagesPerGranule);

  EXPECT_EQ(pages.take_granule(), granule);
  EXPECT_NE(other, granule);
}

TEST(PageHeap, TouchedGranuleIsTakenBeforeAFreshOne) {
  TestPages pages;
  std::vector<std::byte*> granules;
  for (int i = 0; i < 4; ++i) granules.push_back(pages.take_granule());
  pages.heap.put_granule(granules[0], 0);
  pages.heap.put_granule(granules[2], 1);

  EXPECT_EQ(pages.take_granule(), granules[2]);
}

TEST(PageHeap, RunHasTheAlignmentAskedFor) {
  TestPages pages;
  for (std::size_t alignment = 1; alignment <= kPagesPerRegion; alignment *= 2) {
    const std::byte* odd = pages.take(1);
    const std::byte* run = pages.take(3, alignment);
    ASSERT_NE(odd, nullptr);
    EXPECT_EQ(address_of(run) % (alignment * kPageBytes), 0U) << alignment;
  }
}

TEST(PageHeap, RunOfAWholeRegionIsARegion) {
  TestPages pages;
  std::byte* run = pages.take(kPagesPerRegion);
  make_dirty(run, kPagesPerRegion);

  EXPECT_EQ(address_of(run) % kRegionBytes, 0U);
  EXPECT_EQ(pages.heap.usage().used, kRegionBytes);
  pages.heap.put(run);
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

TEST(PageHeap, FreshRunIsZeroWithoutBeingAsked) {
  TestPages pages;

  EXPECT_TRUE(is_zero(pages.take(100), 100 * kPageBytes));
}

TEST(PageHeap, ZeroedRunOverDirtyPagesIsZero) {
  TestPages pages;
  std::byte* dirty = pages.take(100);
  make_dirty(dirty, 100);
  pages.heap.put(dirty);

  std::byte* zeroed = pages.take_zeroed(100);

  EXPECT_EQ(zeroed, dirty);
  EXPECT_TRUE(is_zero(zeroed, 100 * kPageBytes));
}

TEST(PageHeap, ZeroedRunOverAPartlyDirtyRegionIsZero) {
  TestPages pages;
  std::byte* keep = pages.take(1);
  std::byte* dirty = pages.take(40);
  make_dirty(dirty, 40);
  pages.heap.put(dirty);

  std::byte* zeroed = pages.take_zeroed(300);

  EXPECT_TRUE(is_zero(zeroed, 300 * kPageBytes));
  pages.heap.put(keep);
}

TEST(PageHeap, ZeroedRunOverABarelyUsedGranuleOfDirtyPagesIsZero) {
  TestPages pages;
  std::byte* dirty = pages.take(kPagesPerGranule, kPagesPerGranule);
  make_dirty(dirty, kPagesPerGranule);
  pages.heap.put(dirty);
  std::byte* granule = pages.take_granule();
  ASSERT_EQ(granule, dirty);
  pages.heap.put_granule(granule, 1);

  std::byte* zeroed = pages.take_zeroed(kPagesPerGranule);

  ASSERT_EQ(zeroed, dirty);
  EXPECT_TRUE(is_zero(zeroed, kGranuleBytes));
}

TEST(PageHeap, PagesOfABarelyUsedGranuleStayDirty) {
  TestPages pages;
  std::byte* dirty = pages.take(kPagesPerGranule, kPagesPerGranule);
  make_dirty(dirty, kPagesPerGranule);
  pages.heap.put(dirty);
  pages.heap.put_granule(pages.take_granule(), 1);

  EXPECT_EQ(pages.heap.usage().dirty, kGranuleBytes);
  pages.heap.trim(0);
  EXPECT_TRUE(is_zero(dirty, kGranuleBytes));
}

TEST(PageHeap, GranulesAndRunsShareARegion) {
  TestPages pages;
  std::byte* run = pages.take(20);
  std::byte* granule = pages.take_granule();

  EXPECT_EQ(pages.window.region_of(run), pages.window.region_of(granule));
}

TEST(PageHeap, RunGrowsInPlaceWherePagesAreFree) {
  TestPages pages;
  std::byte* run = pages.take(2);
  test::write_pattern(run, 2 * kPageBytes, 1);

  ASSERT_TRUE(pages.heap.resize(run, 10));

  make_dirty(run + 2 * kPageBytes, 8);
  EXPECT_TRUE(test::has_pattern(run, 2 * kPageBytes, 1));
  EXPECT_EQ(pages.heap.usage().large_bytes, 10 * kPageBytes);
}

TEST(PageHeap, RunDoesNotGrowOverItsNeighbour) {
  TestPages pages;
  std::byte* run = pages.take(10);
  std::byte* next = pages.take(10);
  ASSERT_EQ(next, run + 10 * kPageBytes);

  EXPECT_FALSE(pages.heap.resize(run, 11));
  EXPECT_EQ(pages.heap.usage().large_bytes, 20 * kPageBytes);
}

TEST(PageHeap, RunDoesNotGrowOverTheEndOfItsRegion) {
  TestPages pages;
  std::byte* run = pages.take(kPagesPerRegion);

  EXPECT_FALSE(pages.heap.resize(run, kPagesPerRegion + 1));
}

TEST(PageHeap, ShrunkRunLeavesItsTailToOthers) {
  TestPages pages;
  std::byte* run = pages.take(20);
  make_dirty(run, 20);

  ASSERT_TRUE(pages.heap.resize(run, 10));

  EXPECT_EQ(pages.take(10), run + 10 * kPageBytes);
  EXPECT_EQ(pages.heap.usage().large_bytes, 20 * kPageBytes);
}

TEST(PageHeap, OnlyOneRunStartsInAGranule) {
  TestPages pages;
  std::byte* run = pages.take(5);

  EXPECT_EQ(pages.take(70), run + kGranuleBytes);
  pages.heap.verify();
}

TEST(PageHeap, TailOfAShrunkRunIsClearedForItsNextOwner) {
  TestPages pages;
  std::byte* run = pages.take(10);
  make_dirty(run, 10);
  ASSERT_TRUE(pages.heap.resize(run, 4));

  EXPECT_TRUE(is_zero(pages.take_zeroed(6), 6 * kPageBytes));
}

TEST(PageHeap, PutRunsMergeToAWholeRegion) {
  TestPages pages;
  std::vector<std::byte*> runs;
  for (int i = 0; i < 64; ++i) runs.push_back(pages.take(8));
  for (std::size_t i = 0; i < 64; i += 2) pages.heap.put(runs[i]);
  for (std::size_t i = 1; i < 64; i += 2) pages.heap.put(runs[i]);

  EXPECT_EQ(pages.heap.usage().used, 0U);
  EXPECT_EQ(pages.take(kPagesPerRegion), runs[0]);
}

TEST(PageHeap, UsageAddsUp) {
  TestPages pages;
  std::byte* granule = pages.take_granule();
  std::byte* run = pages.take(7);
  std::byte* span = pages.take(kPagesPerRegion + 5);
  const PageUsage usage = pages.heap.usage();

  EXPECT_EQ(usage.slabs, kGranuleBytes);
  EXPECT_EQ(usage.large_blocks, 2U);
  EXPECT_EQ(usage.large_bytes, (7 + kPagesPerRegion + 5) * kPageBytes);
  EXPECT_EQ(usage.used, usage.slabs + usage.large_bytes);
  EXPECT_LE(usage.used, usage.committed);
  EXPECT_LE(usage.committed, usage.reserved);
  EXPECT_EQ(usage.dirty, 0U);
  pages.heap.put_granule(granule, 0);
  pages.heap.put(run);
  pages.heap.put(span);
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

TEST(PageHeap, MetadataIsASmallPartOfWhatIsReserved) {
  TestPages pages;
  static_cast<void>(pages.take(1));
  const PageUsage usage = pages.heap.usage();

  EXPECT_GT(usage.metadata, 0U);
  EXPECT_LT(usage.metadata, usage.reserved / 50);
}

TEST(PageHeap, GrowsToManyArenas) {
  TestPages pages;
  std::vector<std::byte*> runs;
  for (int i = 0; i < 200; ++i) {
    runs.push_back(pages.take(kPagesPerRegion));
    ASSERT_NE(runs.back(), nullptr);
    test::write_pattern(runs.back(), 100, static_cast<std::uint64_t>(i));
  }

  for (std::size_t i = 0; i < runs.size(); ++i) {
    EXPECT_TRUE(test::has_pattern(runs[i], 100, i));
    pages.heap.put(runs[i]);
  }
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

}  // namespace
}  // namespace luna
