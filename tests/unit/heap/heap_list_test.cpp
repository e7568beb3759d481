// SPDX-License-Identifier: MIT
// Heaps of threads that end: parked, adopted, trimmed.
#include "support/pattern.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace luna {
namespace {

using test::TestThread;

TEST(HeapList, EachThreadHasAHeapOfItsOwn) {
  test::TestAllocator allocator;
  TestThread first(allocator);
  TestThread second(allocator);

  EXPECT_NE(&first.heap(), &second.heap());
  EXPECT_EQ(allocator.usage().thread_heaps, 2U);
}

TEST(HeapList, NewThreadAdoptsAParkedHeap) {
  test::TestAllocator allocator;
  TestThread first(allocator);
  const ThreadHeap* heap = &first.heap();
  first.park();
  TestThread second(allocator);

  EXPECT_EQ(&second.heap(), heap);
  EXPECT_EQ(allocator.usage().thread_heaps, 1U);
}

TEST(HeapList, HeapParkedLastIsAdoptedFirst) {
  test::TestAllocator allocator;
  TestThread first(allocator);
  TestThread second(allocator);
  const ThreadHeap* last = &first.heap();
  second.park();
  first.park();
  TestThread third(allocator);

  EXPECT_EQ(&third.heap(), last);
}

TEST(HeapList, ParkedThreadIsDetached) {
  test::TestAllocator allocator;
  TestThread thread(allocator);
  static_cast<void>(thread.allocate(100));
  thread.park();

  EXPECT_FALSE(thread.attached());
  EXPECT_EQ(thread.cache().try_allocate(100), nullptr);
}

TEST(HeapList, AdoptedHeapHandsOutItsOldLists) {
  test::TestAllocator allocator;
  TestThread first(allocator);
  static_cast<void>(first.allocate(100));
  const Block* expected = first.cache().lists[size_class_of(100)].first;
  first.park();
  TestThread second(allocator);

  EXPECT_EQ(second.allocate(100), reinterpret_cast<const void*>(expected));
  second.heap().verify();
}

TEST(HeapList, ManyHeapsAreMade) {
  test::TestAllocator allocator;
  std::vector<std::unique_ptr<TestThread>> threads;
  for (int i = 0; i < 100; ++i) threads.push_back(std::make_unique<TestThread>(allocator));

  for (const auto& thread : threads) ASSERT_NE(thread->allocate(100), nullptr);
  EXPECT_EQ(allocator.usage().thread_heaps, 100U);
}

TEST(HeapList, BlocksOfAParkedHeapAreFreedByOthers) {
  test::TestAllocator allocator;
  TestThread first(allocator);
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(first.allocate(200));
  TestThread second(allocator);
  first.park();

  for (void* block : blocks) EXPECT_EQ(second.deallocate(block), Verdict::kDone);
  second.trim();
  EXPECT_EQ(allocator.usage().small_blocks, 0U);
  EXPECT_EQ(allocator.usage().pages.used, 0U);
}

TEST(HeapList, BlocksThatAParkedThreadFreedArriveAtTheirOwners) {
  test::TestAllocator allocator;
  TestThread owner(allocator);
  void* block = owner.allocate(200);
  TestThread other(allocator);
  other.deallocate(block);
  other.park();
  owner.trim();

  EXPECT_EQ(allocator.usage().small_blocks, 0U);
}

TEST(HeapList, TrimEmptiesParkedHeaps) {
  test::TestAllocator allocator;
  TestThread survivor(allocator);
  {
    TestThread ended(allocator);
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 500; ++i) blocks.push_back(ended.allocate(i * 40));
    for (void* block : blocks) ended.deallocate(block);
  }
  survivor.trim();

  EXPECT_EQ(allocator.usage().pages.used, 0U);
  EXPECT_EQ(allocator.usage().pages.dirty, 0U);
}

TEST(HeapList, BlocksOfAParkedHeapOutliveATrim) {
  test::TestAllocator allocator;
  TestThread first(allocator);
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 200; ++i) {
    blocks.push_back(first.allocate(300));
    test::write_pattern(blocks.back(), 300, i);
  }
  TestThread second(allocator);
  first.park();
  second.trim();

  for (std::size_t i = 0; i < 200; ++i) EXPECT_TRUE(test::has_pattern(blocks[i], 300, i));
}

[[nodiscard]] ThreadHeap* owner_of(test::TestAllocator& allocator, const void* block) {
  return reinterpret_cast<Slab*>(allocator.window().slot_of(block))->owner_heap();
}

TEST(HeapList, FirstFreeOfABlockOfAnEndedThreadTakesItsSlabOver) {
  test::TestAllocator allocator;
  TestThread survivor(allocator);
  TestThread ended(allocator);
  void* first = ended.allocate(5000);
  void* second = ended.allocate(5000);
  ended.park();
  survivor.deallocate(first);

  EXPECT_EQ(owner_of(allocator, second), &survivor.heap());
  survivor.heap().verify();
  EXPECT_EQ(survivor.allocate(5000), first);
  survivor.deallocate(first);
  survivor.deallocate(second);
  survivor.trim();
  EXPECT_EQ(allocator.usage().pages.used, 0U);
}

TEST(HeapList, FullSlabOfAnEndedThreadIsTakenOver) {
  test::TestAllocator allocator;
  TestThread survivor(allocator);
  TestThread ended(allocator);
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(ended.allocate(1024));
  ended.park();

  survivor.deallocate(blocks[0]);
  EXPECT_EQ(owner_of(allocator, blocks[0]), &survivor.heap());
  for (std::size_t i = 1; i < 8; ++i) survivor.deallocate(blocks[i]);
  EXPECT_EQ(survivor.allocate(1024), blocks[7]);
  survivor.heap().verify();
}

TEST(HeapList, SlabOfALivingThreadStaysItsOwn) {
  test::TestAllocator allocator;
  TestThread owner(allocator);
  TestThread other(allocator);
  void* kept = owner.allocate(5000);
  other.deallocate(owner.allocate(5000));
  other.publish();

  EXPECT_EQ(owner_of(allocator, kept), &owner.heap());
}

TEST(HeapList, RefillTakesSlabsOfEndedThreadsBeforeFreshMemory) {
  test::TestAllocator allocator;
  TestThread survivor(allocator);
  TestThread ended(allocator);
  void* kept = ended.allocate(2048);
  ended.park();
  const std::size_t slabs = allocator.usage().pages.slabs;
  const void* block = survivor.allocate(2048);

  EXPECT_EQ(allocator.usage().pages.slabs, slabs);
  EXPECT_EQ(owner_of(allocator, block), &survivor.heap());
  EXPECT_EQ(owner_of(allocator, kept), &survivor.heap());
  survivor.heap().verify();
}

TEST(HeapList, FreesThatWaitForAnEndedThreadGoToWhoTakesItsSlabOver) {
  test::TestAllocator allocator;
  TestThread survivor(allocator);
  TestThread other(allocator);
  TestThread ended(allocator);
  void* kept = ended.allocate(5000);
  void* waiting = ended.allocate(5000);
  void* freed = ended.allocate(5000);
  other.deallocate(waiting);
  ended.park();
  other.publish();
  survivor.deallocate(freed);
  survivor.deallocate(kept);
  survivor.trim();

  EXPECT_EQ(allocator.usage().small_blocks, 0U);
  EXPECT_EQ(allocator.usage().pages.used, 0U);
}

TEST(HeapListDeathTest, DoubleFreeIsSeenWhenTheSlabIsTakenOver) {
  test::TestAllocator allocator;
  TestThread survivor(allocator);
  TestThread other(allocator);
  TestThread ended(allocator);
  static_cast<void>(ended.allocate(5000));
  void* block = ended.allocate(5000);
  other.deallocate(block);
  other.publish();
  ended.park();

  EXPECT_DEATH(
      {
        survivor.deallocate(block);
        survivor.deallocate(block);
      },
      "double free");
}

TEST(HeapList, ThreadsThatComeAndGoDoNotPileUpHeaps) {
  test::TestAllocator allocator;
  for (int i = 0; i < 1000; ++i) {
    TestThread thread(allocator);
    thread.deallocate(thread.allocate(100));
  }

  EXPECT_EQ(allocator.usage().thread_heaps, 1U);
  EXPECT_LE(allocator.usage().pages.slabs, kGranuleBytes);
}

}  // namespace
}  // namespace luna
