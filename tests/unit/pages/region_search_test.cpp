// SPDX-License-Identifier: MIT
// Regions found one after the other by their addresses, and which pages wait in large blocks that
// were freed.
#include "pages/region_search.hpp"

#include "base/align.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

using test::TestPages;

// More than any arena can hold.
constexpr std::size_t kHugePages = (kMaxArenaRegions + 1) * kPagesPerRegion;

[[nodiscard]] std::vector<const Region*> walk(PageHeap& heap) {
  os::ScopedLock guard(heap.lock());
  std::vector<const Region*> result;
  std::uintptr_t from = 0;
  while (const Region* region = region_from(heap, from)) {
    EXPECT_GE(address_of(region->memory), from);
    result.push_back(region);
    from = address_of(region->memory) + bytes_of(*region);
  }
  return result;
}

TEST(RegionSearch, FindsNothingInAHeapThatWasNeverUsed) {
  TestPages pages;
  EXPECT_TRUE(walk(pages.heap).empty());
}

TEST(RegionSearch, FindsAllThatIsCommitted) {
  TestPages pages;
  std::vector<std::byte*> blocks;
  for (std::size_t size = 1; size < 60'000; size += size / 2 + 1)
    blocks.push_back(pages.take(size));
  for (std::size_t i = 0; i < blocks.size(); i += 2) pages.heap.put(blocks[i]);

  std::size_t bytes = 0;
  for (const Region* region : walk(pages.heap)) bytes += bytes_of(*region);
  EXPECT_EQ(bytes, pages.heap.usage().committed);
}

TEST(RegionSearch, TakesASpanForItsWholeRegions) {
  TestPages pages;
  const std::byte* span = pages.take(3 * kPagesPerRegion + 5);

  const std::vector<const Region*> found = walk(pages.heap);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0]->memory, span);
  EXPECT_EQ(bytes_of(*found[0]), 3 * kRegionBytes);
  EXPECT_EQ(found[1]->memory, span + 3 * kRegionBytes);  // with the tail
  EXPECT_EQ(bytes_of(*found[1]), kRegionBytes);
}

TEST(RegionSearch, FindsHugeBlocksAmongTheRegions) {
  TestPages pages;
  static_cast<void>(pages.take(1));
  std::byte* huge = pages.take(kHugePages);
  static_cast<void>(pages.take(400 * kPagesPerRegion));  // needs another arena
  ASSERT_NE(huge, nullptr);

  std::size_t count = 0;
  for (const Region* region : walk(pages.heap)) {
    if (region->state != RegionState::kHuge) continue;
    ++count;
    EXPECT_EQ(region->memory, huge);
    EXPECT_EQ(bytes_of(*region), kHugePages * kPageBytes);
  }
  EXPECT_EQ(count, 1U);

  pages.heap.put(huge);
  for (const Region* region : walk(pages.heap)) EXPECT_NE(region->state, RegionState::kHuge);
}

TEST(RegionSearch, TellsPagesOfBlocksThatWaitToBeHandedOutWhole) {
  TestPages pages;
  std::byte* run = pages.take(100);
  std::byte* span = pages.take(kPagesPerRegion + 7);
  const Region& first = *pages.window.region_of(run);
  const Region& whole = *pages.window.region_of(span);
  EXPECT_TRUE(kept_pages(pages.heap, first).none());

  pages.heap.set_aside(run, 100);
  pages.heap.set_aside(span, kPagesPerRegion + 7);
  const std::size_t at = address_of(run) % kRegionBytes / kPageBytes;
  const PageSet kept = kept_pages(pages.heap, first);
  EXPECT_TRUE(kept.all(at, 100));
  EXPECT_EQ(kept_pages(pages.heap, whole).count(), kPagesPerRegion);
  const Region& tail = *pages.window.region_of(span + kRegionBytes);
  EXPECT_TRUE(kept_pages(pages.heap, tail).all(0, 7));
  EXPECT_EQ(kept_pages(pages.heap, tail).count() + kept.count(), &tail == &first ? 2 * 107U : 107U);
}

}  // namespace
}  // namespace luna
