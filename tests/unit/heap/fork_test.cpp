// SPDX-License-Identifier: MIT
// What a child finds after fork(): the threads of the parent are gone, their
// heaps are not. The tests do in one process what a fork would leave; those that
// could hang do it in a real child with a time limit.
#include "support/pattern.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace luna {
namespace {

using test::TestThread;

constexpr std::size_t kBlocks = 300;
constexpr std::size_t kBytes = 200;

// One thread that survives a fork, and one that does not, with blocks of its own.
struct ForkedHeaps {
  ForkedHeaps() {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      blocks.push_back(lost.allocate(kBytes));
      test::write_pattern(blocks.back(), kBytes, i);
    }
  }
  // In a child its thread is no more: nothing of it may be touched.
  ~ForkedHeaps() { lost.forget(); }

  void fork() {
    allocator.prepare_fork();
    allocator.resume_child(heap_of(&survivor.cache()));
  }

  // As fork(), but in a child that is stopped if it does not come back.
  template <typename Then>
  void fork_in_child(Then then) {
    EXPECT_EXIT(
        {
          ::alarm(10);
          fork();
          ::_exit(then() ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
  }

  test::TestAllocator allocator;
  TestThread survivor{allocator};
  TestThread lost{allocator};
  std::vector<void*> blocks;
};

TEST(Fork, ParentGoesOn) {
  ForkedHeaps fixture;
  fixture.allocator.prepare_fork();
  fixture.allocator.resume_parent();

  EXPECT_NE(fixture.survivor.allocate(100'000), nullptr);
  EXPECT_NE(fixture.lost.allocate(100'000), nullptr);
}

TEST(Fork, BlocksOfALostThreadKeepTheirContents) {
  ForkedHeaps fixture;
  fixture.fork();
  for (int i = 0; i < 1000; ++i) test::write_pattern(fixture.survivor.allocate(kBytes), kBytes, 77);

  for (std::size_t i = 0; i < kBlocks; ++i)
    EXPECT_TRUE(test::has_pattern(fixture.blocks[i], kBytes, i));
}

TEST(Fork, LostHeapIsAdoptedByTheNextThread) {
  ForkedHeaps fixture;
  const ThreadHeap* heap = &fixture.lost.heap();
  fixture.fork();
  TestThread next(fixture.allocator);

  EXPECT_EQ(&next.heap(), heap);
  next.heap().verify();
}

// It may have been sent elsewhere when the other thread forked.
TEST(Fork, AdopterOfALostHeapHasTheFastPath) {
  ForkedHeaps fixture;
  fixture.lost.heap().send_elsewhere(true);
  fixture.fork();
  fixture.lost.attach();
  fixture.lost.deallocate(fixture.lost.allocate(kBytes));

  EXPECT_NE(fixture.lost.cache().try_allocate(kBytes), nullptr);
}

TEST(Fork, SurvivorKeepsItsHeap) {
  ForkedHeaps fixture;
  void* block = fixture.survivor.allocate(kBytes);
  const ThreadHeap* heap = &fixture.survivor.heap();
  fixture.fork();

  EXPECT_EQ(&fixture.survivor.heap(), heap);
  EXPECT_EQ(fixture.survivor.deallocate(block), Verdict::kDone);
  fixture.survivor.heap().verify();
}

TEST(Fork, BlocksOfALostThreadCanBeFreed) {
  ForkedHeaps fixture;
  fixture.fork();
  for (void* block : fixture.blocks) EXPECT_EQ(fixture.survivor.deallocate(block), Verdict::kDone);
  fixture.survivor.publish();
  TestThread next(fixture.allocator);
  next.heap().drain();

  next.heap().verify();
  fixture.allocator.pages().verify();
}

TEST(Fork, AdopterHandsOutNoBlockThatIsInUse) {
  ForkedHeaps fixture;
  fixture.fork();
  for (std::size_t i = 0; i < kBlocks; i += 2) fixture.survivor.deallocate(fixture.blocks[i]);
  fixture.survivor.publish();
  TestThread next(fixture.allocator);
  for (int i = 0; i < 2000; ++i) test::write_pattern(next.allocate(kBytes), kBytes, 77);

  for (std::size_t i = 1; i < kBlocks; i += 2)
    EXPECT_TRUE(test::has_pattern(fixture.blocks[i], kBytes, i));
}

TEST(Fork, BlocksUnderwayToALostThreadArrive) {
  ForkedHeaps fixture;
  constexpr std::size_t kFreed = kBlocks / 2;
  for (std::size_t i = 0; i < kFreed; ++i) fixture.survivor.deallocate(fixture.blocks[i]);
  fixture.survivor.publish();
  fixture.fork();
  TestThread next(fixture.allocator);

  next.heap().verify();
  std::vector<void*> again;
  for (std::size_t i = 0; i < kFreed; ++i) again.push_back(next.allocate(kBytes));
  EXPECT_NE(std::find(again.begin(), again.end(), fixture.blocks[5]), again.end());
}

TEST(Fork, BlocksOfTheSurvivorUnderwayFromAnotherArrive) {
  ForkedHeaps fixture;
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(fixture.survivor.allocate(kBytes));
  for (void* block : blocks) fixture.lost.deallocate(block);
  fixture.lost.publish();
  fixture.fork();
  fixture.survivor.trim();

  EXPECT_EQ(fixture.survivor.heap().listed_blocks(size_class_of(kBytes)), 0U);
  fixture.survivor.heap().verify();
}

TEST(Fork, ParkedHeapsStayParked) {
  ForkedHeaps fixture;
  const ThreadHeap* heap = nullptr;
  {
    TestThread parked(fixture.allocator);
    static_cast<void>(parked.allocate(kBytes));
    heap = &parked.heap();
  }
  fixture.fork();
  TestThread first(fixture.allocator);
  TestThread second(fixture.allocator);

  EXPECT_TRUE(&first.heap() == heap || &second.heap() == heap);
  EXPECT_NE(&first.heap(), &second.heap());
  first.heap().verify();
  second.heap().verify();
}

TEST(Fork, ForksOfForksWork) {
  ForkedHeaps fixture;
  fixture.fork();
  TestThread next(fixture.allocator);
  static_cast<void>(next.allocate(kBytes));
  fixture.fork();
  next.forget();
  TestThread last(fixture.allocator);

  EXPECT_NE(last.allocate(kBytes), nullptr);
  last.heap().verify();
}

TEST(Fork, DetachedThreadMayFork) {
  ForkedHeaps fixture;
  fixture.survivor.park();
  fixture.fork();
  TestThread next(fixture.allocator);

  EXPECT_NE(next.allocate(kBytes), nullptr);
}

// All blocks of a slab are underway when its thread is lost: repair empties it.
TEST(ForkDeathTest, SlabThatRepairEmptiesDoesNotHangTheChild) {
  ForkedHeaps fixture;
  std::vector<void*> blocks;
  for (int i = 0; i < 12; ++i) blocks.push_back(fixture.lost.allocate(kMaxSmallBytes));
  for (void* block : blocks) fixture.survivor.deallocate(block);
  fixture.survivor.publish();

  fixture.fork_in_child([&] { return fixture.survivor.allocate(kMaxSmallBytes) != nullptr; });
}

TEST(ForkDeathTest, ForkWhileAnotherThreadHoldsTheLocksDoesNotHangTheChild) {
  ForkedHeaps fixture;

  fixture.fork_in_child([&] { return fixture.survivor.allocate(1 << 20) != nullptr; });
}

}  // namespace
}  // namespace luna
