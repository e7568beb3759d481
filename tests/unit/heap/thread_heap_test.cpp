// SPDX-License-Identifier: MIT
// The slabs of one thread: which it allocates from, keeps and gives back.
#include "heap/thread_heap.hpp"

#include "os/memory.hpp"
#include "support/one_thread.hpp"
#include "support/pattern.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::OneThread;
using test::TestThread;

constexpr std::size_t kBytes = 1024;  // four blocks a page
constexpr std::size_t kCapacity = kGranuleBytes / kBytes;

TEST(ThreadHeap, HandsOutEachBlockOnce) {
  OneThread fixture;
  const std::vector<void*> blocks = fixture.allocate_many(1000, kBytes);

  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  EXPECT_EQ(fixture.slabs(), 1000 / kCapacity + 1);
}

TEST(ThreadHeap, SlabOutOfBlocksFallsAsleep) {
  OneThread fixture;
  const std::vector<void*> blocks = fixture.allocate_many(kCapacity + 1, kBytes);

  EXPECT_EQ(fixture.slab_of(blocks[0]).state, SlabState::kAsleep);
  EXPECT_EQ(fixture.slab_of(blocks[0]).used(), kCapacity);
  EXPECT_EQ(fixture.slab_of(blocks[kCapacity]).state, SlabState::kCurrent);
}

TEST(ThreadHeap, SlabWakesWhenEnoughOfItIsFree) {
  OneThread fixture;
  const std::vector<void*> blocks = fixture.allocate_many(kCapacity + 1, kBytes);
  const Slab& slab = fixture.slab_of(blocks[0]);
  std::size_t freed = 0;
  while (slab.free_blocks() + 1 < slab.blocks_to_wake()) fixture.thread.deallocate(blocks[freed++]);
  EXPECT_EQ(slab.state, SlabState::kAsleep);
  fixture.thread.deallocate(blocks[freed]);

  EXPECT_EQ(slab.state, SlabState::kPartial);
  EXPECT_EQ(slab.used(), kCapacity - slab.blocks_to_wake());
  fixture.thread.heap().verify();
}

TEST(ThreadHeap, SleepingSlabWakesBeforeItsClassGrows) {
  OneThread fixture;
  const std::vector<void*> blocks = fixture.allocate_many(4 * kCapacity, kBytes);
  const std::size_t listed = 4;  // what the thread's list takes in
  for (std::size_t i = 0; i < listed + 5; ++i) fixture.thread.deallocate(blocks[i]);
  ASSERT_EQ(fixture.thread.heap().listed_blocks(size_class_of(kBytes)), listed);
  ASSERT_EQ(fixture.slab_of(blocks[0]).state, SlabState::kAsleep);
  static_cast<void>(fixture.allocate_many(listed + 5, kBytes));

  EXPECT_EQ(fixture.slabs(), 4U);
  fixture.thread.heap().verify();
}

TEST(ThreadHeap, PartialSlabIsUsedBeforeANewOne) {
  OneThread fixture;
  std::vector<void*> blocks = fixture.allocate_many(2 * kCapacity, kBytes);
  for (std::size_t i = 0; i < kCapacity / 2; ++i) fixture.thread.deallocate(blocks[i]);
  static_cast<void>(fixture.allocate_many(kCapacity / 2, kBytes));

  EXPECT_EQ(fixture.slabs(), 2U);
}

TEST(ThreadHeap, SlabThatIsNotCurrentGoesBackWhenEmpty) {
  OneThread fixture;
  std::vector<void*> blocks = fixture.allocate_many(10 * kCapacity, kBytes);
  for (std::size_t i = 0; i < 9 * kCapacity; ++i) fixture.thread.deallocate(blocks[i]);

  // The first one has blocks in the thread's list yet, and the thread keeps a few granules.
  EXPECT_GE(fixture.slabs(), 2U);
  EXPECT_LE(fixture.slabs(), 2 + GranuleCache::kMaxBytes / kGranuleBytes);
  EXPECT_EQ(fixture.slab_of(blocks[kCapacity]).owner_heap(), nullptr);
  fixture.thread.heap().trim(false);
  EXPECT_EQ(fixture.slabs(), 1U);
}

TEST(ThreadHeap, EmptySlabServesAnotherClass) {
  OneThread fixture;
  for (void* block : fixture.allocate_many(3 * kCapacity, kBytes)) fixture.thread.deallocate(block);
  const std::size_t slabs = fixture.slabs();
  static_cast<void>(fixture.allocate_many(1, 2 * kBytes));

  EXPECT_EQ(fixture.slabs(), slabs);
}

TEST(ThreadHeap, WhatEarlierSlabsOfAGranuleWroteIsNotTakenForZero) {
  OneThread fixture;
  const std::vector<void*> blocks = fixture.allocate_many(8 * kCapacity, kBytes);
  for (std::size_t i = 0; i < blocks.size(); ++i) test::write_pattern(blocks[i], kBytes, i);
  for (void* block : blocks) fixture.thread.deallocate(block);
  // Other classes touch but one page of the same granules.
  std::vector<void*> others;
  for (std::size_t bytes = 16; bytes <= 64; bytes += 16)
    others.push_back(fixture.thread.allocate(bytes));
  for (void* block : others) fixture.thread.deallocate(block);
  fixture.thread.heap().trim(false);

  const auto* zeros =
      static_cast<const std::byte*>(fixture.thread.allocate_zeroed(8 * kGranuleBytes));
  for (std::size_t i = 0; i < 8 * kGranuleBytes; ++i) ASSERT_EQ(zeros[i], std::byte{0}) << i;
}

TEST(ThreadHeap, LastBlockFreedAndTakenAgainKeepsTheSlab) {
  OneThread fixture;
  void* block = fixture.thread.allocate(kBytes);
  const Slab* slab = &fixture.slab_of(block);
  for (int i = 0; i < 1000; ++i) {
    fixture.thread.deallocate(block);
    block = fixture.thread.allocate(kBytes);
    ASSERT_EQ(&fixture.slab_of(block), slab);
  }
}

TEST(ThreadHeap, IdleThreadHoldsLittle) {
  OneThread fixture;
  std::vector<void*> blocks;
  for (int round = 0; round < 3; ++round)
    for (std::size_t bytes = 16; bytes <= kMaxSmallBytes; bytes += bytes / 8)
      for (std::size_t i = 0; i < 100; ++i) blocks.push_back(fixture.thread.allocate(bytes));
  for (void* block : blocks) fixture.thread.deallocate(block);

  EXPECT_LE(fixture.allocator.usage().pages.slabs, std::size_t{1} << 20);
}

TEST(ThreadHeap, TrimGivesEverySlabBackWhenAllIsFree) {
  OneThread fixture;
  for (void* block : fixture.allocate_many(1000, kBytes)) fixture.thread.deallocate(block);
  fixture.thread.heap().trim(true);

  EXPECT_EQ(fixture.slabs(), 0U);
}

TEST(ThreadHeap, TrimPurgesAndWakesSleepingSlabs) {
  const bool purges = os::page_bytes() == kPageBytes;  // larger ones are left alone
  OneThread fixture;
  const std::vector<void*> blocks = fixture.allocate_many(2 * kCapacity, kBytes);
  for (std::size_t i = 0; i < kPageBytes / kBytes; ++i) fixture.thread.deallocate(blocks[i]);
  const Slab& slab = fixture.slab_of(blocks[0]);
  ASSERT_EQ(slab.state, SlabState::kAsleep);

  EXPECT_EQ(fixture.thread.heap().trim(true) != 0, purges);
  EXPECT_EQ(slab.state, purges ? SlabState::kPartial : SlabState::kAsleep);
  fixture.thread.heap().verify();
  for (std::size_t i = 0; i < kPageBytes / kBytes; ++i)
    test::write_pattern(fixture.thread.allocate(kBytes), kBytes, i);
  EXPECT_EQ(fixture.slabs(), 2U);
}

TEST(ThreadHeap, TrimReturnsBlocksOfLists) {
  OneThread fixture;
  void* block = fixture.thread.allocate(kBytes);
  EXPECT_EQ(fixture.thread.heap().listed_blocks(size_class_of(kBytes)), 3U);
  fixture.thread.heap().trim(false);

  EXPECT_EQ(fixture.thread.heap().listed_blocks(size_class_of(kBytes)), 0U);
  EXPECT_EQ(fixture.slab_of(block).used(), 1U);
}

TEST(ThreadHeap, AllocationGoesOnAfterATrim) {
  OneThread fixture;
  std::vector<void*> blocks = fixture.allocate_many(kCapacity, kBytes);
  for (std::size_t i = 0; i < kCapacity; ++i)
    if (i % 8 != 0) fixture.thread.deallocate(blocks[i]);
  fixture.thread.heap().trim(true);
  fixture.thread.heap().verify();

  const std::vector<void*> more = fixture.allocate_many(kCapacity / 8 * 7, kBytes);

  EXPECT_EQ(std::set<void*>(more.begin(), more.end()).size(), more.size());
  EXPECT_EQ(fixture.slabs(), 1U);
}

TEST(ThreadHeap, RemoteFreesAreHeldBackUntilPublished) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  static_cast<void>(other.allocate(kBytes));  // its first slow path, which publishes
  void* block = fixture.thread.allocate(kBytes);
  other.deallocate(block);
  EXPECT_TRUE(fixture.thread.heap().returned().empty());

  other.publish();

  EXPECT_FALSE(fixture.thread.heap().returned().empty());
}

TEST(ThreadHeap, ManyRemoteFreesArePublishedWithoutBeingAsked) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  for (void* block : fixture.allocate_many(100, kBytes)) other.deallocate(block);

  EXPECT_FALSE(fixture.thread.heap().returned().empty());
}

TEST(ThreadHeap, DrainTakesRemoteFreesIn) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  const std::vector<void*> blocks = fixture.allocate_many(kCapacity, kBytes);
  other.deallocate(blocks[3]);
  other.deallocate(blocks[4]);
  other.publish();
  fixture.thread.heap().drain();

  EXPECT_EQ(fixture.slab_of(blocks[0]).used(), kCapacity - 2);
  EXPECT_TRUE(fixture.thread.heap().returned().empty());
}

TEST(ThreadHeap, DrainWakesASlab) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  const std::vector<void*> blocks = fixture.allocate_many(kCapacity + 1, kBytes);
  for (std::size_t i = 0; i < kCapacity / 2; ++i) other.deallocate(blocks[i]);
  other.publish();
  fixture.thread.heap().drain();

  EXPECT_EQ(fixture.slab_of(blocks[0]).state, SlabState::kPartial);
}

TEST(ThreadHeap, SlabThatDrainEmptiesGoesBack) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  const std::vector<void*> blocks = fixture.allocate_many(kCapacity + 1, kBytes);
  for (std::size_t i = 0; i < kCapacity; ++i) other.deallocate(blocks[i]);
  other.publish();
  fixture.thread.heap().drain();

  EXPECT_EQ(fixture.slab_of(blocks[0]).owner_heap(), nullptr);
  fixture.thread.heap().trim(false);
  EXPECT_EQ(fixture.slabs(), 1U);
}

TEST(ThreadHeap, SlabOfAnotherOwnerIsPassedOn) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  const std::vector<void*> blocks = fixture.allocate_many(2, kBytes);
  Slab& slab = fixture.slab_of(blocks[0]);
  RemoteArea& area = remote_area(fixture.allocator.window(), &slab);
  ASSERT_TRUE(publish_freed(area, &slab, nullptr, 0, 1));
  other.heap().returned().push(area, &slab);
  other.heap().drain();
  EXPECT_TRUE(other.heap().returned().empty());

  fixture.thread.heap().drain();

  EXPECT_EQ(area.freed[0], 0U);
  EXPECT_EQ(area.listed, 0U);
}

TEST(ThreadHeap, SlabWithoutAnOwnerIsDroppedFromTheStack) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  const std::vector<void*> blocks = fixture.allocate_many(kCapacity + 1, kBytes);
  Slab& slab = fixture.slab_of(blocks[0]);
  RemoteArea& area = remote_area(fixture.allocator.window(), &slab);
  area.listed = 1;
  other.heap().returned().push(area, &slab);
  for (std::size_t i = 0; i < kCapacity; ++i) fixture.thread.deallocate(blocks[i]);
  fixture.thread.heap().trim(false);
  ASSERT_EQ(slab.owner_heap(), nullptr);

  other.heap().drain();

  EXPECT_EQ(area.listed, 0U);
}

TEST(ThreadHeap, RunInThePlaceOfASlabIsDroppedFromTheStack) {
  OneThread fixture;
  void* run = fixture.thread.allocate(5 * kPageBytes);
  Slab& slot = fixture.slab_of(run);
  ASSERT_EQ(slot.owner_heap(), &fixture.thread.heap());
  RemoteArea& area = remote_area(fixture.allocator.window(), &slot);
  area.listed = 1;
  fixture.thread.heap().returned().push(area, &slot);

  fixture.thread.heap().drain();

  EXPECT_EQ(area.listed, 0U);
  EXPECT_TRUE(fixture.thread.heap().returned().empty());
}

TEST(ThreadHeap, IdleListsAreGivenBackInTime) {
  OneThread fixture;
  static_cast<void>(fixture.thread.allocate(kBytes));
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    for (int k = 0; k < 40; ++k) fixture.thread.heap().beat();
  }

  EXPECT_EQ(fixture.thread.heap().listed_blocks(size_class_of(kBytes)), 0U);
}

constexpr std::size_t kRunBytes = 5 * kPageBytes;

TEST(ThreadHeap, RunsThatAreFreedOnceAreNotKept) {
  OneThread fixture;
  for (void* run : fixture.allocate_many(100, kRunBytes)) fixture.thread.deallocate(run);

  EXPECT_EQ(fixture.allocator.usage().pages.large_blocks, 0U);
}

TEST(ThreadHeap, RunsThatAreWantedAgainAreKept) {
  OneThread fixture;
  for (int i = 0; i < 20; ++i)
    for (void* run : fixture.allocate_many(100, kRunBytes)) fixture.thread.deallocate(run);

  EXPECT_GE(fixture.allocator.usage().pages.large_bytes, 10 * kRunBytes);
  EXPECT_LE(fixture.allocator.usage().pages.large_bytes, ListLimits::kMaxBudget);
  fixture.thread.heap().trim(false);
  EXPECT_EQ(fixture.allocator.usage().pages.large_blocks, 0U);
}

TEST(ThreadHeap, RunGoesToTheListOfTheThreadThatFreesIt) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  void* run = nullptr;
  for (int i = 0; i < 2; ++i) {  // the first time is for its list to learn
    run = other.allocate(kRunBytes);
    other.deallocate(run);
  }
  run = fixture.thread.allocate(kRunBytes);
  ASSERT_EQ(fixture.slab_of(run).owner_heap(), &fixture.thread.heap());
  static_cast<void>(other.allocate(kRunBytes));
  other.deallocate(run);

  EXPECT_EQ(fixture.slab_of(run).owner_heap(), &other.heap());
  EXPECT_EQ(other.allocate(kRunBytes), run);
}

}  // namespace
}  // namespace luna
