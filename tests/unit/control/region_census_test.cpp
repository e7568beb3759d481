// SPDX-License-Identifier: MIT
// What the pages of a heap are said to be used for, held against what was done with it.
#include "control/region_census.hpp"

#include "base/align.hpp"
#include "control/residency.hpp"
#include "os/memory.hpp"
#include "support/one_thread.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace luna {
namespace {

struct Counted : test::OneThread {
  [[nodiscard]] RegionSums count() {
    RegionSums sums;
    RegionCensus census(allocator, sums);
    PageSet resident;
    allocator.pages().for_each_region_in_turn(
        [&](const std::byte* memory) noexcept { resident = resident_pages(memory); },
        [&](const Region& region) noexcept { census.count(region, resident); });
    return sums;
  }
  [[nodiscard]] void* filled(std::size_t bytes) {
    void* block = thread.allocate(bytes);
    std::memset(block, 1, bytes);
    return block;
  }
};

[[nodiscard]] std::size_t expected(const RegionSums& sums) {
  return sums.slabs.expected + sums.spare.expected + sums.large.expected + sums.kept.expected +
         sums.dirty.expected;
}
[[nodiscard]] std::size_t resident(const RegionSums& sums) {
  return sums.slabs.resident + sums.spare.resident + sums.large.resident + sums.kept.resident +
         sums.dirty.resident + sums.retained.resident;
}
[[nodiscard]] std::size_t pages(const RegionSums& sums) {
  return sums.slabs.pages + sums.spare.pages + sums.large.pages + sums.kept.pages +
         sums.dirty.pages + sums.retained.pages;
}

// Of the kernel, in pages of ours.
[[nodiscard]] std::size_t kernel_page() { return os::page_bytes() / kPageBytes; }

// A larger page of the kernel backs what lies beside that which was touched, at so many borders.
constexpr std::size_t kMostBorders = 1000;

void expect_accounted(const RegionSums& sums) {
  EXPECT_LE(expected(sums), resident(sums));
  EXPECT_LE(resident(sums) - expected(sums), kMostBorders * (kernel_page() - 1));
}

TEST(RegionCensus, IsEmptyForAHeapThatWasNeverUsed) {
  Counted fixture;
  const RegionSums sums = fixture.count();
  EXPECT_EQ(sums.regions, 0U);
  EXPECT_EQ(pages(sums), 0U);
}

TEST(RegionCensus, FindsEachPageOnce) {
  Counted fixture;
  std::vector<void*> blocks;
  for (std::size_t bytes = 16; bytes < 3'000'000; bytes += bytes / 3 + 1)
    blocks.push_back(fixture.filled(bytes));
  for (std::size_t i = 0; i < blocks.size(); i += 2) fixture.thread.deallocate(blocks[i]);

  const RegionSums sums = fixture.count();
  EXPECT_EQ(pages(sums), sums.regions * kPagesPerRegion);
}

TEST(RegionCensus, CountsBlocksOfAClass) {
  Counted fixture;
  std::vector<void*> blocks = fixture.allocate_many(1000, 96);

  const luna_class_stats found = fixture.count().classes[size_class_of(96)];
  EXPECT_EQ(found.block_bytes, 96U);
  EXPECT_GE(found.used_blocks, 1000U);
  EXPECT_EQ(found.slabs, (1000 + kGranuleBytes / 96 - 1) / (kGranuleBytes / 96));
  EXPECT_EQ(found.used_blocks + found.free_blocks + found.uncut_blocks,
            found.slabs * (kGranuleBytes / 96));
}

TEST(RegionCensus, ExpectsWhatIsBackedOfSlabsAndLargeBlocks) {
  Counted fixture;
  for (const std::size_t bytes : {16U, 100U, 1000U, 5000U, 12000U, 50'000U, 500'000U, 5'000'000U})
    for (int i = 0; i < 20; ++i) static_cast<void>(fixture.filled(bytes));

  const RegionSums sums = fixture.count();
  expect_accounted(sums);
  EXPECT_EQ(sums.large_blocks, 60U);
  EXPECT_LE(sums.sure_pages, sums.slabs.expected);
  EXPECT_GT(sums.sure_pages * 3, sums.slabs.expected);  // blocks above a page have others too
  EXPECT_GT(sums.slabs.resident, 20U * (12000 + 5000) / kPageBytes);
  EXPECT_LE(sums.retained.resident, kMostBorders * (kernel_page() - 1));
}

TEST(RegionCensus, BelievesTheKernelOfLargeBlocksThatNobodyTouched) {
  Counted fixture;
  void* block = fixture.thread.allocate(std::size_t{16} << 20);
  std::memset(block, 1, std::size_t{1} << 20);

  const RegionSums sums = fixture.count();
  EXPECT_EQ(sums.large.pages, (std::size_t{16} << 20) / kPageBytes);
  EXPECT_EQ(sums.large.resident, (std::size_t{1} << 20) / kPageBytes);
  EXPECT_EQ(sums.large.expected, sums.large.resident);
}

TEST(RegionCensus, DoesNotExpectFreePagesThatWereNeverHandedOut) {
  Counted fixture;
  static_cast<void>(fixture.filled(100'000));
  std::byte* stray = nullptr;
  fixture.allocator.pages().for_each_region([&](const Region* region) noexcept {
    stray = region->memory + kRegionBytes - 3 * os::page_bytes();
  });
  const RegionSums before = fixture.count();
  std::memset(stray, 1, 3 * os::page_bytes());

  const RegionSums sums = fixture.count();
  EXPECT_EQ(sums.retained.resident - before.retained.resident, 3 * kernel_page());
  EXPECT_EQ(resident(sums) - resident(before), 3 * kernel_page());
  EXPECT_EQ(expected(sums), expected(before));
}

TEST(RegionCensus, ExpectsPagesOfSlabsThatTheKernelTook) {
  Counted fixture;
  std::vector<void*> blocks = fixture.allocate_many(kGranuleBytes / 1024 * 4, 1024);
  const RegionSums before = fixture.count();
  const std::size_t bytes = os::page_bytes();
  auto* page = reinterpret_cast<std::byte*>(round_down(address_of(blocks[8]), bytes));
  ASSERT_TRUE(os::purge(page, bytes));  // as nobody of ours would

  const RegionSums sums = fixture.count();
  EXPECT_LT(sums.slabs.resident, before.slabs.resident);
  EXPECT_GE(sums.slabs.resident + kernel_page(), before.slabs.resident);
  EXPECT_EQ(sums.slabs.expected, before.slabs.expected);
  EXPECT_EQ(sums.sure_pages, before.sure_pages);
}

TEST(RegionCensus, ExpectsNothingOfPagesThatATrimGaveBack) {
  Counted fixture;
  std::vector<void*> blocks = fixture.allocate_many(20'000, 200);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (i % 400 >= 100) fixture.thread.deallocate(blocks[i]);
  const std::size_t before = fixture.count().slabs.resident;
  fixture.allocator.trim(&fixture.thread.heap(), 0);

  const RegionSums sums = fixture.count();
  EXPECT_LT(resident(sums), before / 2);
  expect_accounted(sums);
  EXPECT_GT(fixture.allocator.pages().purges(), 0U);
  EXPECT_GT(fixture.allocator.pages().purged_pages(), before / 2);
}

TEST(RegionCensus, KnowsLargeBlocksThatAreKeptWhole) {
  Counted fixture;
  void* block = fixture.filled(std::size_t{1} << 20);
  fixture.thread.deallocate(block);

  const RegionSums sums = fixture.count();
  EXPECT_EQ(sums.kept.pages, (std::size_t{1} << 20) / kPageBytes);
  EXPECT_EQ(sums.kept.resident, sums.kept.pages);
  EXPECT_EQ(sums.large.pages, 0U);
}

TEST(RegionCensus, FindsTheLongestFreeRangeAcrossRegions) {
  Counted fixture;
  void* block = fixture.thread.allocate(6 * kRegionBytes);
  fixture.thread.deallocate(block);
  fixture.allocator.trim(&fixture.thread.heap(), 0);

  EXPECT_EQ(fixture.count().longest_free_pages, 6 * kPagesPerRegion);
}

}  // namespace
}  // namespace luna
