// SPDX-License-Identifier: MIT
#include "pages/guards.hpp"

#include "os/memory.hpp"
#include "support/kernel_pages.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

using test::make_dirty;
using test::TestPages;

constexpr std::size_t kMiB = (std::size_t{1} << 20) / kPageBytes;

struct Guards : TestPages {
  Guards() { window.set_guards(true); }

  [[nodiscard]] const Region& region_of(const void* memory) const {
    return *window.region_of(memory);
  }
  [[nodiscard]] const std::byte* last_page(const std::byte* in_region) const {
    return region_of(in_region).memory + kRegionBytes - kPageBytes;
  }
  [[nodiscard]] std::byte* take_guarded(std::size_t pages) {
    std::byte* block = take(pages);
    heap.guard_end(block, pages);
    return block;
  }
};

[[nodiscard]] bool can_be_read(const std::byte* memory) {
  return os::is_readable(address_of(memory));
}
[[nodiscard]] bool ends_with_guard(const std::byte* block, std::size_t pages) {
  const std::byte* guard = block + (pages - 1) * kPageBytes;
  return !can_be_read(guard) && !can_be_read(guard + kPageBytes - 8) && can_be_read(guard - 8);
}

TEST(Guards, ARegionOfRunsEndsWithOne) {
  Guards fixture;
  std::byte* run = fixture.take(4);
  EXPECT_FALSE(can_be_read(fixture.last_page(run)));
  EXPECT_TRUE(fixture.region_of(run).closed);
  fixture.heap.put(run);
}

TEST(Guards, ARegionOfSlabsEndsWithOne) {
  Guards fixture;
  std::byte* granule = fixture.take_granule();
  EXPECT_FALSE(can_be_read(fixture.last_page(granule)));
  fixture.heap.put_granule(granule, 0);
}

// The end of a span's last region is closed as long as others lie behind the span.
TEST(Guards, ARegionWithTheTailOfASpanEndsWithOneOnceOthersLieThere) {
  Guards fixture;
  std::byte* span = fixture.take(kPagesPerRegion + 8);
  const std::byte* tail = span + kRegionBytes;
  const std::byte* last = fixture.last_page(tail);
  EXPECT_TRUE(can_be_read(last));
  std::byte* run = fixture.take(4);
  ASSERT_EQ(&fixture.region_of(run), &fixture.region_of(tail));
  std::byte* granule = fixture.take_granule();
  ASSERT_EQ(&fixture.region_of(granule), &fixture.region_of(tail));
  EXPECT_FALSE(can_be_read(last));
  EXPECT_EQ(fixture.heap.totals().used, (kPagesPerRegion + 8 + 4 + kPagesPerGranule) * kPageBytes);

  fixture.heap.put(run);
  EXPECT_TRUE(fixture.region_of(tail).closed);
  fixture.heap.put_granule(granule, 0);
  EXPECT_FALSE(fixture.region_of(tail).closed);
  fixture.heap.verify();
  fixture.heap.put(span);
  EXPECT_EQ(fixture.heap.totals().used, 0U);
}

TEST(Guards, StayAtTheEndOfARegionThatASpanLeft) {
  Guards fixture;
  std::byte* span = fixture.take(kPagesPerRegion + 8);
  std::byte* run = fixture.take(4);
  ASSERT_EQ(&fixture.region_of(run), &fixture.region_of(span + kRegionBytes));
  fixture.heap.put(span);
  EXPECT_FALSE(can_be_read(fixture.last_page(run)));
  fixture.heap.verify();
  fixture.heap.put(run);
  EXPECT_EQ(fixture.heap.totals().used, 0U);
}

TEST(Guards, ASpanGrowsToTheEndOfItsLastRegionIfItIsAloneThere) {
  Guards fixture;
  std::byte* span = fixture.take(kPagesPerRegion + 8);
  for (const std::size_t more : {16U, 300U, 512U}) {
    ASSERT_TRUE(fixture.heap.resize(span, kPagesPerRegion + more));
    EXPECT_FALSE(fixture.region_of(span + kRegionBytes).closed);
    make_dirty(span, kPagesPerRegion + more);
  }
  ASSERT_TRUE(fixture.heap.resize(span, kPagesPerRegion + 8));
  std::byte* run = fixture.take(4);
  ASSERT_EQ(&fixture.region_of(run), &fixture.region_of(span + kRegionBytes));
  EXPECT_TRUE(fixture.heap.resize(span, kPagesPerRegion + 4));
  EXPECT_FALSE(fixture.heap.resize(span, 2 * kPagesPerRegion));
  EXPECT_FALSE(can_be_read(fixture.last_page(run)));
  fixture.heap.put(run);
  EXPECT_TRUE(fixture.heap.resize(span, 2 * kPagesPerRegion));
  fixture.heap.verify();
  fixture.heap.put(span);
}

TEST(Guards, NoneWhereTheWindowWantsNone) {
  TestPages fixture;
  std::byte* run = fixture.take(kMiB);
  fixture.heap.guard_end(run, kMiB);
  EXPECT_TRUE(fixture.window.region_of(run)->guards.none());
  make_dirty(run, kMiB);
  fixture.heap.put(run);
}

// All pages but one can be had, one after the other.
TEST(Guards, NobodyGetsTheEndOfARegion) {
  Guards fixture;
  std::vector<std::byte*> runs;
  const std::byte* end = nullptr;
  for (std::size_t i = 0; i < kGranulesPerRegion - 1; ++i) {
    runs.push_back(fixture.take_granule());
    make_dirty(runs.back(), kPagesPerGranule);
    end = fixture.last_page(runs.front());
    EXPECT_EQ(fixture.last_page(runs.back()), end);
  }
  runs.push_back(fixture.take_granule());
  EXPECT_NE(fixture.last_page(runs.back()), end);
  EXPECT_FALSE(can_be_read(end));
  for (std::byte* run : runs) fixture.heap.put_granule(run, kPagesPerGranule);
}

TEST(Guards, WhatIsNotHandedOutIsNotInUse) {
  Guards fixture;
  std::byte* run = fixture.take(4);
  EXPECT_EQ(fixture.heap.totals().used, 4 * kPageBytes);
  fixture.heap.put(run);
  EXPECT_EQ(fixture.heap.totals().used, 0U);
}

TEST(Guards, ARegionThatIsFreeServesAnything) {
  Guards fixture;
  std::byte* run = fixture.take(4);
  const Region& region = fixture.region_of(run);
  fixture.heap.put(run);
  EXPECT_EQ(region.state, RegionState::kReserved);
  EXPECT_FALSE(region.closed);

  std::byte* whole = fixture.take(kPagesPerRegion);
  EXPECT_EQ(&fixture.region_of(whole), &region);
  make_dirty(whole, kPagesPerRegion);
  fixture.heap.put(whole);

  std::byte* span = fixture.take(3 * kPagesPerRegion);
  EXPECT_EQ(&fixture.region_of(span), &region);
  make_dirty(span, 3 * kPagesPerRegion);
  fixture.heap.put(span);
}

TEST(Guards, ABlockEndsWithOne) {
  Guards fixture;
  for (const std::size_t pages : {std::size_t{100}, kMiB, kPagesPerRegion, 3 * kMiB, 5 * kMiB}) {
    std::byte* block = fixture.take_guarded(pages);
    make_dirty(block, pages - 1);
    EXPECT_TRUE(ends_with_guard(block, pages)) << pages;
    fixture.heap.put(block);
  }
}

TEST(Guards, AHugeBlockEndsWithOne) {
  Guards fixture;
  constexpr std::size_t kPages = (kMaxArenaRegions + 1) * kPagesPerRegion;
  std::byte* block = fixture.take_guarded(kPages);
  EXPECT_EQ(fixture.region_of(block).state, RegionState::kHuge);
  EXPECT_TRUE(ends_with_guard(block, kPages));
  fixture.heap.put(block);
  // Its metadata serves the next one, which has none of its own as yet.
  block = fixture.take(kPages);
  EXPECT_TRUE(fixture.region_of(block).guards.none());
  fixture.heap.put(block);
}

// What was freed is handed out as part of something else, of all kinds.
TEST(Guards, CanBeTouchedByWhoIsHandedThePage) {
  Guards fixture;
  std::byte* block = fixture.take_guarded(100);
  fixture.heap.put(block);
  std::byte* longer = fixture.take(150);
  ASSERT_EQ(longer, block);
  make_dirty(longer, 150);
  fixture.heap.put(longer);

  block = fixture.take_guarded(kPagesPerRegion + 100);
  fixture.heap.put(block);
  std::byte* span = fixture.take(2 * kPagesPerRegion);
  ASSERT_EQ(span, block);
  make_dirty(span, 2 * kPagesPerRegion);
  fixture.heap.put(span);

  block = fixture.take_guarded(65);
  fixture.heap.put(block);
  std::vector<std::byte*> granules;
  for (int i = 0; i < 20; ++i) {
    granules.push_back(fixture.take_granule());
    make_dirty(granules.back(), kPagesPerGranule);
  }
  for (std::byte* granule : granules) fixture.heap.put_granule(granule, kPagesPerGranule);
}

TEST(Guards, StayWithABlockThatComesAgain) {
  Guards fixture;
  std::byte* block = fixture.take_guarded(100);
  fixture.heap.set_aside(block, 100);
  ASSERT_EQ(fixture.take(100), block);
  EXPECT_TRUE(ends_with_guard(block, 100));
  fixture.heap.put(block);
}

TEST(Guards, GoIfTheBlocksEndIsOpened) {
  Guards fixture;
  for (const std::size_t pages : {std::size_t{100}, kPagesPerRegion, 5 * kMiB}) {
    std::byte* block = fixture.take_guarded(pages);
    fixture.heap.set_aside(block, pages);
    ASSERT_EQ(fixture.take(pages), block);
    ASSERT_TRUE(fixture.heap.open_end(block, pages));
    make_dirty(block, pages);
    fixture.heap.put(block);
  }
}

TEST(Guards, GoWhereABlockIsResized) {
  Guards fixture;
  for (const std::size_t pages : {std::size_t{100}, 3 * kMiB, 9 * kPagesPerRegion / 2}) {
    std::byte* block = fixture.take_guarded(pages);
    ASSERT_TRUE(fixture.heap.resize(block, pages + 20)) << pages;
    make_dirty(block, pages + 20);
    fixture.heap.guard_end(block, pages + 20);
    EXPECT_TRUE(ends_with_guard(block, pages + 20)) << pages;
    ASSERT_TRUE(fixture.heap.resize(block, pages)) << pages;
    make_dirty(block, pages);
    fixture.heap.put(block);
  }
}

TEST(Guards, GoWhereABlockIsMoved) {
  Guards fixture;
  constexpr std::size_t kPages = 4 * kPagesPerRegion;
  std::byte* block = fixture.take_guarded(kPages);
  make_dirty(block, kPages - 1);
  auto* moved = static_cast<std::byte*>(fixture.heap.move(block, 2 * kPages, fixture.heap));
  ASSERT_NE(moved, nullptr);
  EXPECT_EQ(moved[(kPages - 1) * kPageBytes - 1], std::byte{0xd1});
  make_dirty(moved, 2 * kPages);
  fixture.heap.guard_end(moved, 2 * kPages);
  EXPECT_TRUE(ends_with_guard(moved, 2 * kPages));
  fixture.heap.put(moved);
  // The place of a moved block is mapped anew when it is freed.
  std::byte* again = fixture.take_guarded(2 * kPages);
  EXPECT_TRUE(ends_with_guard(again, 2 * kPages));
  fixture.heap.put(again);
}

TEST(Guards, StayWhenFreePagesAreGivenBack) {
  Guards fixture;
  std::byte* kept = fixture.take(4);
  std::byte* block = fixture.take(100);
  make_dirty(block, 100);
  fixture.heap.put(block);
  fixture.heap.trim(0);
  EXPECT_FALSE(can_be_read(fixture.last_page(kept)));
  fixture.heap.verify();
  fixture.heap.put(kept);
}

}  // namespace
}  // namespace luna
