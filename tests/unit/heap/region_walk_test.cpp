// SPDX-License-Identifier: MIT
// What the pages of a heap are said to be used for, held against what was done with it; while
// others allocate, and heaps come and go.
#include "heap/region_walk.hpp"

#include "base/align.hpp"
#include "support/one_thread.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

// All pictures, each of which covers its region without a gap.
[[nodiscard]] std::vector<RegionPicture> walk(Allocator& allocator) {
  auto walking = std::make_unique<RegionWalk>(allocator);
  std::vector<RegionPicture> result;
  for (auto some = walking->next(); !some.empty(); some = walking->next())
    result.insert(result.end(), some.begin(), some.end());
  for (const RegionPicture& picture : result) {
    std::size_t pages = 0;
    for (const PageRun& run : picture.drawn()) pages += run.pages;
    EXPECT_EQ(pages * kPageBytes, picture.bytes);
  }
  return result;
}

struct Sums {
  std::array<std::size_t, kPageUses> pages{};
  std::size_t slabs = 0;
  std::size_t used_bytes = 0;

  [[nodiscard]] std::size_t of(PageUse use) const { return pages[static_cast<std::size_t>(use)]; }
};

[[nodiscard]] Sums sums_of(const std::vector<RegionPicture>& pictures) {
  Sums sums;
  for (const RegionPicture& picture : pictures) {
    for (const PageRun& run : picture.drawn()) {
      sums.pages[static_cast<std::size_t>(run.use)] += run.pages;
      if (run.use != PageUse::kSlab) continue;
      ++sums.slabs;
      sums.used_bytes += run.used_blocks * block_bytes(run.size_class);
    }
  }
  return sums;
}

[[nodiscard]] const PageRun* run_at(const std::vector<RegionPicture>& pictures, const void* block) {
  for (const RegionPicture& picture : pictures) {
    std::uintptr_t at = picture.address;
    for (const PageRun& run : picture.drawn()) {
      if (address_of(block) - at < run.pages * kPageBytes) return &run;
      at += run.pages * kPageBytes;
    }
  }
  return nullptr;
}

TEST(RegionWalk, HasNothingOfAHeapThatWasNeverUsed) {
  test::TestAllocator allocator;
  EXPECT_TRUE(walk(allocator).empty());
}

TEST(RegionWalk, CountsTheBlocksOfEachSlab) {
  test::OneThread fixture;
  const std::vector<void*> blocks = fixture.allocate_many(100'000, 96);

  const auto pictures = walk(fixture.allocator);
  const Sums sums = sums_of(pictures);
  EXPECT_EQ(sums.used_bytes, fixture.allocator.usage().small_bytes);
  EXPECT_GE(sums.used_bytes, 100'000U * 96);
  EXPECT_EQ(sums.slabs * kGranuleBytes,
            fixture.allocator.usage().pages.slabs - sums.of(PageUse::kSpare) * kPageBytes);
  const PageRun* run = run_at(pictures, blocks[50'000]);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->use, PageUse::kSlab);
  EXPECT_EQ(block_bytes(run->size_class), 96U);
  EXPECT_EQ(run->used_blocks, kGranuleBytes / 96);
}

TEST(RegionWalk, TellsLargeBlocksFromThoseKeptAndFromFreePages) {
  test::OneThread fixture;
  void* run = fixture.thread.allocate(500'000);
  void* span = fixture.thread.allocate(7 * kRegionBytes + 12 * kPageBytes);
  void* freed = fixture.thread.allocate(600'000);
  void* wall = fixture.thread.allocate(20'000);
  fixture.thread.deallocate(freed);

  const auto pictures = walk(fixture.allocator);
  EXPECT_EQ(run_at(pictures, run)->use, PageUse::kLarge);
  EXPECT_EQ(run_at(pictures, run)->pages, pages_for(500'000));
  EXPECT_EQ(run_at(pictures, span)->pages, 7 * kPagesPerRegion);
  const std::byte* tail = static_cast<std::byte*>(span) + 7 * kRegionBytes;
  EXPECT_EQ(run_at(pictures, tail)->use, PageUse::kLarge);
  EXPECT_EQ(run_at(pictures, tail)->pages, 12U);
  EXPECT_EQ(run_at(pictures, freed)->use, PageUse::kKept);
  EXPECT_EQ(run_at(pictures, freed)->pages, pages_for(600'000));

  fixture.thread.trim();
  const auto trimmed = walk(fixture.allocator);
  EXPECT_EQ(run_at(trimmed, freed)->use, PageUse::kRetained);
  EXPECT_EQ(sums_of(trimmed).of(PageUse::kDirty), 0U);
  EXPECT_EQ(sums_of(trimmed).of(PageUse::kKept), 0U);
  fixture.thread.deallocate(wall);
}

// While a thread gives pages back without the lock they are neither free nor in use.
TEST(RegionWalk, FreePagesBesideThoseThatAreBeingGivenBackAreOneRunWithThem) {
  test::OneThread fixture;
  void* wall = fixture.thread.allocate(20'000);
  void* freed = fixture.thread.allocate(600'000);
  fixture.thread.deallocate(freed);
  fixture.thread.trim();
  Region& region = *fixture.allocator.window().region_of(freed);
  const std::size_t first = (address_of(freed) - address_of(region.memory)) / kPageBytes;
  ASSERT_TRUE(region.free.all(first, 40));

  region.touched.set_range(first, 40);
  for (const std::size_t at : {first, first + 20, first + 30}) region.free.clear_range(at, 10);
  const auto pictures = walk(fixture.allocator);
  region.free.set_range(first, 40);
  region.touched.clear_range(first, 40);

  const PageRun* run = run_at(pictures, freed);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->use, PageUse::kDirty);
  EXPECT_EQ(run->pages, 40U);
  EXPECT_EQ(run_at(pictures, static_cast<std::byte*>(freed) + 39 * kPageBytes), run);
  fixture.thread.deallocate(wall);
}

TEST(RegionWalk, TellsFreePagesThatMayBeBackedFromOthers) {
  test::OneThread fixture;
  void* run = fixture.thread.allocate(50 * kPageBytes);
  static_cast<void>(fixture.thread.allocate(30 * kPageBytes));
  fixture.allocator.pages().put(run);

  const auto pictures = walk(fixture.allocator);
  const PageRun* freed = run_at(pictures, run);
  EXPECT_EQ(freed->use, PageUse::kDirty);
  EXPECT_GE(freed->pages, 50U);
  const Sums sums = sums_of(pictures);
  EXPECT_EQ(sums.of(PageUse::kDirty) * kPageBytes, fixture.allocator.pages().usage().dirty);
}

// More than are looked at at once; those of a heap by rising address.
TEST(RegionWalk, GoesOnAcrossHeaps) {
  test::TestAllocator first;
  test::TestThread thread{first};
  os::ProtectionKeys keys;
  NamedHeaps heaps{first, keys};
  ThreadParts& parts = *heaps.attach(nullptr);
  constexpr std::size_t kRegions = 40;
  for (std::size_t i = 0; i < kRegions; ++i)
    static_cast<void>(thread.allocate(kRegionBytes - kPageBytes));
  for (const char* name : {"one", "two", "three"}) {
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = name;
    NamedHeap* heap = nullptr;
    ASSERT_EQ(heaps.create(options, heap), 0);
    for (std::size_t i = 0; i < kRegions; ++i)
      static_cast<void>(heap->allocate(*heaps.part_of(parts, *heap), kRegionBytes - kPageBytes));
  }

  const auto pictures = walk(first);
  std::vector<std::string> order;
  std::uintptr_t last = 0;
  std::size_t of_heap = kRegions;
  for (const RegionPicture& picture : pictures) {
    const std::string name = picture.is_of_named_heap ? picture.heap_name.data() : "first";
    if (order.empty() || order.back() != name) {
      EXPECT_GE(of_heap, kRegions);
      order.push_back(name);
      of_heap = 0;
      last = 0;
    }
    ++of_heap;
    EXPECT_GT(picture.address, last);
    last = picture.address;
  }
  EXPECT_EQ(order, (std::vector<std::string>{"first", "one", "two", "three"}));
  heaps.detach(parts);
}

// Its memory may be another heap's by then, or nobody's.
TEST(RegionWalk, GoesOnWhereAHeapHasEnded) {
  test::TestAllocator first;
  os::ProtectionKeys keys;
  NamedHeaps heaps{first, keys};
  ThreadParts& parts = *heaps.attach(nullptr);
  std::array<NamedHeap*, 3> made{};
  luna_heap_options options{};
  options.struct_size = sizeof options;
  options.name = "one of three";
  for (NamedHeap*& heap : made) ASSERT_EQ(heaps.create(options, heap), 0);
  for (std::size_t at = made.size(); at-- > 0;)  // so that those that come later lie below
    for (int i = 0; i < 50; ++i)
      static_cast<void>(
          made[at]->allocate(*heaps.part_of(parts, *made[at]), kRegionBytes - kPageBytes));

  auto walking = std::make_unique<RegionWalk>(first);
  EXPECT_EQ(walking->next().back().heap_number, made[0]->number());
  ASSERT_EQ(heaps.destroy(*made[0], parts), 0);
  std::size_t rest = 0;
  for (auto some = walking->next(); !some.empty(); some = walking->next()) {
    for (const RegionPicture& picture : some) EXPECT_NE(picture.heap_number, made[0]->number());
    rest += some.size();
  }
  EXPECT_GE(rest, 100U);
  heaps.detach(parts);
}

TEST(RegionWalk, LetsOthersAllocateMeanwhile) {
  test::TestAllocator allocator;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::size_t number = 1; number <= 2; ++number)
    threads.emplace_back([&, number] {
      test::TestThread thread{allocator};
      std::array<void*, 64> blocks{};
      for (std::size_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
        void*& block = blocks[i * number % blocks.size()];
        if (block != nullptr) thread.deallocate(block);
        block = thread.allocate(i * 7919 % 3'000'000 >> i % 12);
      }
      for (void* block : blocks)
        if (block != nullptr) thread.deallocate(block);
    });
  for (int i = 0; i < 300; ++i) {
    const Sums sums = sums_of(walk(allocator));
    EXPECT_LE(sums.used_bytes, sums.of(PageUse::kSlab) * kPageBytes);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sums_of(walk(allocator)).of(PageUse::kSlab) * kPageBytes +
                sums_of(walk(allocator)).of(PageUse::kSpare) * kPageBytes,
            allocator.pages().usage().slabs);
}

}  // namespace
}  // namespace luna
