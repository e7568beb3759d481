// SPDX-License-Identifier: MIT
// Where granules, runs and spans come to lie by each policy.
#include "pages/placement.hpp"

#include "support/random.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace luna {
namespace {

using test::make_dirty;
using test::TestPages;

struct LowPages : TestPages {
  LowPages() { heap.set_placement(Placement::kLowAddress); }
};

// Two regions full of runs of 16 pages.
template <typename Pages>
[[nodiscard]] std::vector<std::byte*> fill_two_regions(Pages& pages) {
  std::vector<std::byte*> runs;
  for (std::size_t i = 0; i < 2 * kPagesPerRegion / 16; ++i) {
    runs.push_back(pages.take(16));
    make_dirty(runs.back(), 16);
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

// A cold hole in the first region, and a warm one in the second.
template <typename Pages>
void make_holes(Pages& pages, const std::vector<std::byte*>& runs) {
  pages.heap.put(runs[5]);
  pages.heap.trim(0);
  pages.heap.put(runs[40]);
}

TEST(Placement, BestFitTakesBackedMemoryFirst) {
  TestPages pages;
  const std::vector<std::byte*> runs = fill_two_regions(pages);
  make_holes(pages, runs);

  EXPECT_EQ(pages.take(16), runs[40]);
  EXPECT_EQ(pages.take(16), runs[5]);
}

TEST(Placement, LowAddressTakesTheFirstHole) {
  LowPages pages;
  const std::vector<std::byte*> runs = fill_two_regions(pages);
  make_holes(pages, runs);

  EXPECT_EQ(pages.take(16), runs[5]);
  EXPECT_EQ(pages.take(16), runs[40]);
}

TEST(Placement, ItHoldsFromItsChangeOn) {
  TestPages pages;
  const std::vector<std::byte*> runs = fill_two_regions(pages);
  make_holes(pages, runs);
  pages.heap.set_placement(Placement::kLowAddress);
  EXPECT_EQ(pages.take(16), runs[5]);
  pages.heap.put(runs[5]);
  pages.heap.trim(0);
  pages.heap.put(runs[41]);
  pages.heap.set_placement(Placement::kBestFit);

  EXPECT_EQ(pages.take(16), runs[41]);
}

TEST(Placement, LowAddressPassesOverHolesThatAreTooShort) {
  LowPages pages;
  const std::vector<std::byte*> runs = fill_two_regions(pages);
  pages.heap.put(runs[3]);
  pages.heap.put(runs[50]);
  pages.heap.put(runs[51]);

  EXPECT_EQ(pages.take(20), runs[50]);
  EXPECT_EQ(pages.take(16), runs[3]);
}

TEST(Placement, LowAddressGivesGranulesFromTheLowest) {
  LowPages pages;
  std::vector<std::byte*> granules;
  for (std::size_t i = 0; i < 2 * kGranulesPerRegion; ++i) granules.push_back(pages.take_granule());
  std::sort(granules.begin(), granules.end());
  pages.heap.put_granule(granules[7], 0);
  pages.heap.put_granule(granules[70], kPagesPerGranule);
  pages.heap.put_granule(granules[71], kPagesPerGranule);

  const GranulesTaken cold = pages.heap.take_granules(3);
  EXPECT_EQ(cold.memory, granules[7]);
  EXPECT_EQ(cold.count, 1U);
  EXPECT_FALSE(cold.warm);
  const GranulesTaken warm = pages.heap.take_granules(3);
  EXPECT_EQ(warm.memory, granules[70]);
  EXPECT_EQ(warm.count, 2U);
  EXPECT_TRUE(warm.warm);
}

// They lie side by side: one who takes both is told the truth of both.
TEST(Placement, GranulesTakenAtOnceAreAllColdOrAllWarm) {
  LowPages pages;
  std::vector<std::byte*> granules;
  for (std::size_t i = 0; i < kGranulesPerRegion; ++i) granules.push_back(pages.take_granule());
  std::sort(granules.begin(), granules.end());
  pages.heap.put_granule(granules[10], kPagesPerGranule);
  pages.heap.put_granule(granules[11], 0);

  EXPECT_EQ(pages.heap.take_granules(2).count, 1U);
  EXPECT_FALSE(pages.heap.take_granules(2).warm);
}

TEST(Placement, LowAddressTakesARegionThatIsFreeAsAWhole) {
  LowPages pages;
  std::byte* span = pages.take(2 * kPagesPerRegion);
  std::byte* run = pages.take(100);
  ASSERT_GT(run, span);
  pages.heap.put(span);
  pages.heap.trim(0);

  EXPECT_EQ(pages.take(100), span);
  EXPECT_EQ(pages.take(kPagesPerRegion), span + kRegionBytes);
}

TEST(Placement, LowAddressGivesSpansFromTheLowest) {
  LowPages pages;
  std::byte* low = pages.take(3 * kPagesPerRegion);
  std::byte* kept = pages.take(kPagesPerRegion);
  std::byte* high = pages.take(3 * kPagesPerRegion);
  make_dirty(high, 3 * kPagesPerRegion);
  pages.heap.put(low);
  pages.heap.trim(0);
  pages.heap.put(high);

  EXPECT_EQ(pages.take(2 * kPagesPerRegion), low);
  pages.heap.put(kept);
}

// Whether a run of so many pages could begin at the page of the region.
[[nodiscard]] bool fits(const Region& region, std::size_t page, std::size_t count) {
  if (page + count > kPagesPerRegion || !region.free.all(page, count)) return false;
  const std::size_t granule = page / kPagesPerGranule * kPagesPerGranule;
  for (std::size_t i = granule; i < granule + kPagesPerGranule; ++i)
    if (region.run[i] != kNoRun && (region.run[i] & kSpanTail) == 0) return false;
  return true;
}

// Of the regions that are in use; nullptr: there is no place.
[[nodiscard]] std::byte* lowest_place(PageHeap& heap, std::size_t count) {
  std::byte* place = nullptr;
  heap.for_each_region([&](const Region* region) {
    for (std::size_t page = 0; page < kPagesPerRegion && place == nullptr; ++page)
      if (fits(*region, page, count)) place = region->memory + page * kPageBytes;
  });
  return place;
}

TEST(Placement, NoLowerPlaceIsLeftOut) {
  LowPages pages;
  test::Random random(3);
  std::vector<std::byte*> runs;
  for (int step = 0; step < 3000; ++step) {
    if (runs.size() > 300 && random.one_in(2)) {
      const std::size_t at = random.below(runs.size());
      pages.heap.put(runs[at]);
      runs[at] = runs.back();
      runs.pop_back();
      continue;
    }
    const std::size_t count = random.between(1, 60);
    std::byte* const lowest = lowest_place(pages.heap, count);
    runs.push_back(pages.take(count));
    // A region that became free as a whole may be lower.
    if (lowest != nullptr) {
      ASSERT_LE(runs.back(), lowest) << step;
    }
    if (step % 50 == 0) pages.heap.trim(0);
  }
}

}  // namespace
}  // namespace luna
