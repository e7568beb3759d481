// SPDX-License-Identifier: MIT
// The lists of a thread: what they hand out first, how long they become, what a full
// one leaves to its slabs, and where their blocks go. For slabs see thread_heap_test.cpp, for
// threads that have to come by watched_thread_test.cpp.
#include "support/one_thread.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace luna {
namespace {

using test::TestThread;

constexpr std::size_t kBytes = 1024;  // four blocks a page
constexpr std::size_t kCapacity = kGranuleBytes / kBytes;
constexpr std::size_t kListed = 4;  // what a list takes in after its first refill

struct Lists : test::OneThread {
  // True if the fast path would not free the block.
  bool free_is_slow(void* block) {
    if (thread.cache().try_deallocate(block)) return false;
    static_cast<void>(allocator.deallocate(&thread.heap(), block));
    return true;
  }

  // Allocates blocks and frees them; returns how many frees were slow.
  std::size_t slow_frees_of_a_batch(std::size_t count, std::size_t bytes) {
    std::size_t slow = 0;
    for (void* block : allocate_many(count, bytes)) slow += free_is_slow(block) ? 1 : 0;
    return slow;
  }

  [[nodiscard]] std::size_t listed() { return thread.heap().listed_blocks(size_class_of(kBytes)); }
};

// Two slabs' blocks, all in use, and a list that is empty and has room for four.
struct TwoSlabs : Lists {
  [[nodiscard]] void* first(std::size_t index) const { return blocks[index]; }
  [[nodiscard]] void* second(std::size_t index) const { return blocks[kCapacity + index]; }

  void fill_list() {
    for (std::size_t i = 0; i < kListed; ++i) EXPECT_FALSE(free_is_slow(second(i)));
  }

  FreeList& list = thread.cache().lists[size_class_of(kBytes)];
  std::vector<void*> blocks = allocate_many(2 * kCapacity, kBytes);
};

TEST(ThreadLists, HandOutTheBlockFreedLastWhicheverSlabItIsOf) {
  TwoSlabs fixture;
  const std::vector<void*> freed = {fixture.first(0), fixture.second(0), fixture.first(1),
                                    fixture.second(1)};
  for (void* block : freed) ASSERT_FALSE(fixture.free_is_slow(block));

  std::vector<void*> taken = fixture.allocate_many(kListed, kBytes);

  EXPECT_EQ(std::vector<void*>(taken.rbegin(), taken.rend()), freed);
}

TEST(ThreadLists, SlabsAimAtTheirThreadsListAtFirst) {
  TwoSlabs fixture;

  EXPECT_EQ(fixture.slab_of(fixture.first(0)).target, &fixture.list);
  EXPECT_EQ(fixture.slab_of(fixture.second(0)).target, &fixture.list);
}

TEST(ThreadLists, FreeThatIsTooManyTurnsItsSlabToItsOwnList) {
  TwoSlabs fixture;
  fixture.fill_list();
  ASSERT_TRUE(fixture.free_is_slow(fixture.first(0)));

  const Slab& slab = fixture.slab_of(fixture.first(0));
  EXPECT_EQ(slab.target, &slab.own);
  EXPECT_EQ(slab.own.first, fixture.first(0));
  EXPECT_EQ(slab.used(), kCapacity - 1);
  EXPECT_EQ(fixture.slab_of(fixture.second(0)).target, &fixture.list);
  EXPECT_EQ(fixture.listed(), kListed);
}

TEST(ThreadLists, SlabOfAFullListKeepsItsFreesOnTheFastPath) {
  TwoSlabs fixture;
  fixture.fill_list();
  ASSERT_TRUE(fixture.free_is_slow(fixture.first(0)));

  EXPECT_FALSE(fixture.free_is_slow(fixture.first(1)));
  EXPECT_EQ(fixture.slab_of(fixture.first(0)).own.first, fixture.first(1));
  EXPECT_EQ(fixture.listed(), kListed);
}

TEST(ThreadLists, SlabComesBackToTheListByARefill) {
  TwoSlabs fixture;
  fixture.fill_list();
  Slab& slab = fixture.slab_of(fixture.first(0));
  for (std::size_t i = 0; i < kCapacity / 2; ++i) fixture.thread.deallocate(fixture.first(i));
  ASSERT_EQ(slab.target, &slab.own);

  static_cast<void>(fixture.allocate_many(kListed, kBytes));
  void* block = fixture.thread.allocate(kBytes);

  EXPECT_EQ(&fixture.slab_of(block), &slab);
  EXPECT_EQ(slab.target, &fixture.list);
}

TEST(ThreadLists, SlabComesBackByASlowFreeWhenTheListHasRoomAgain) {
  TwoSlabs fixture;
  fixture.fill_list();
  Slab& slab = fixture.slab_of(fixture.first(0));
  ASSERT_TRUE(fixture.free_is_slow(fixture.first(0)));
  static_cast<void>(fixture.allocate_many(kListed, kBytes));

  std::size_t freed = 1;
  while (!fixture.free_is_slow(fixture.first(freed))) ++freed;

  EXPECT_EQ(slab.target, &fixture.list);
  EXPECT_EQ(slab.state, SlabState::kPartial);
}

TEST(ThreadLists, BatchThatComesAgainHasFewerSlowFrees) {
  Lists fixture;
  std::vector<std::size_t> slow;
  for (int round = 0; round < 10; ++round) slow.push_back(fixture.slow_frees_of_a_batch(300, 256));

  EXPECT_GE(slow.front(), 3U);
  EXPECT_TRUE(std::is_sorted(slow.rbegin(), slow.rend()));
  EXPECT_EQ(slow.back(), 0U);
}

TEST(ThreadLists, RunsThatComeAgainHaveFewerSlowFrees) {
  Lists fixture;
  std::vector<std::size_t> slow;
  for (int round = 0; round < 10; ++round)
    slow.push_back(fixture.slow_frees_of_a_batch(8, 6 * kPageBytes));

  EXPECT_GE(slow.front(), 7U);
  EXPECT_TRUE(std::is_sorted(slow.rbegin(), slow.rend()));
  EXPECT_EQ(slow.back(), 0U);
}

TEST(ThreadLists, TrimReturnsBlocksToTheirSlabs) {
  TwoSlabs fixture;
  fixture.thread.deallocate(fixture.first(3));
  fixture.thread.deallocate(fixture.second(5));
  fixture.thread.deallocate(fixture.second(6));
  fixture.thread.deallocate(fixture.first(9));
  ASSERT_EQ(fixture.slab_of(fixture.first(0)).used(), kCapacity);

  fixture.thread.heap().trim(false);

  EXPECT_EQ(fixture.listed(), 0U);
  EXPECT_EQ(fixture.slab_of(fixture.first(0)).used(), kCapacity - 2);
  EXPECT_EQ(fixture.slab_of(fixture.second(0)).used(), kCapacity - 2);
}

TEST(ThreadLists, FreesWithoutEndReturnAllLists) {
  Lists fixture;
  void* other = fixture.thread.allocate(48);
  ASSERT_NE(fixture.thread.heap().listed_blocks(size_class_of(48)), 0U);
  for (void* block : fixture.allocate_many(100 * kCapacity, kBytes))
    fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.thread.heap().listed_blocks(size_class_of(48)), 0U);
  EXPECT_EQ(fixture.slab_of(other).used(), 1U);
}

TEST(ThreadLists, LargeBlocksInTurnAreNoEnd) {
  Lists fixture;
  static_cast<void>(fixture.thread.allocate(48));
  const std::size_t listed = fixture.thread.heap().listed_blocks(size_class_of(48));
  ASSERT_NE(listed, 0U);
  for (int i = 0; i < 1000; ++i)
    fixture.thread.deallocate(fixture.thread.allocate(kRegionBytes / 2));

  EXPECT_EQ(fixture.thread.heap().listed_blocks(size_class_of(48)), listed);
}

TEST(ThreadListsDeathTest, BlockFreedTwiceWithAnotherOfItsSlabBetweenIsFoundWhenListsGoBack) {
  TwoSlabs fixture;
  for (void* block : {fixture.first(0), fixture.first(1), fixture.first(0)})
    ASSERT_FALSE(fixture.free_is_slow(block));

  EXPECT_DEATH(fixture.thread.heap().trim(false), "lunalloc: double free of 0x");
  fixture.list.first = nullptr;
  fixture.list.room = kListed + 1;
}

TEST(ThreadListsDeathTest, BlockFreedTwiceWithOneOfAnotherSlabBetweenIsFoundWhenListsGoBack) {
  TwoSlabs fixture;
  for (void* block : {fixture.first(0), fixture.second(0), fixture.first(0)})
    ASSERT_FALSE(fixture.free_is_slow(block));

  EXPECT_DEATH(fixture.thread.heap().trim(false), "lunalloc: double free of 0x");
  fixture.list.first = nullptr;
  fixture.list.room = kListed + 1;
}

// Runs of so many pages will be kept when they are freed.
void teach(TestThread& thread, std::size_t pages) {
  for (int i = 0; i < 2; ++i) thread.deallocate(thread.allocate(pages * kPageBytes));
  static_cast<void>(thread.allocate(pages * kPageBytes));
}

struct TaughtRuns : Lists {
  TaughtRuns() {
    for (const std::size_t pages : {std::size_t{10}, std::size_t{12}}) teach(thread, pages);
  }

  [[nodiscard]] void* allocate_run(std::size_t pages) {
    return thread.allocate(pages * kPageBytes);
  }
};

TEST(Runs, GrownRunGoesToTheListOfItsNewLength) {
  TaughtRuns fixture;
  void* run = fixture.allocate_run(10);
  ASSERT_EQ(fixture.allocator.resize(&fixture.thread.heap(), run, 12 * kPageBytes), run);
  fixture.thread.deallocate(run);

  EXPECT_NE(fixture.allocate_run(10), run);
  EXPECT_EQ(fixture.thread.cache().try_allocate(12 * kPageBytes), run);
}

TEST(Runs, ShrunkRunGoesToTheListOfItsNewLength) {
  TaughtRuns fixture;
  void* run = fixture.allocate_run(12);
  ASSERT_EQ(fixture.allocator.resize(&fixture.thread.heap(), run, 10 * kPageBytes), run);
  fixture.thread.deallocate(run);

  EXPECT_NE(fixture.allocate_run(12), run);
  EXPECT_EQ(fixture.thread.cache().try_allocate(10 * kPageBytes), run);
}

TEST(Runs, ZeroedRunOutOfAListIsAllZeros) {
  TaughtRuns fixture;
  void* run = fixture.allocate_run(10);
  test::make_dirty(static_cast<std::byte*>(run), 10);
  fixture.thread.deallocate(run);
  void* zeroed = fixture.thread.allocate_zeroed(10 * kPageBytes);

  EXPECT_EQ(zeroed, run);
  EXPECT_TRUE(test::is_zero(zeroed, 10 * kPageBytes));
}

// PageHeap::verify() looks for granules in which two runs start.
TEST(Runs, OfAllLengthsMayBeTakenPutAndResizedInAnyOrder) {
  struct Run {
    void* memory;
    std::size_t pages;
    std::uint64_t mark;
  };
  Lists fixture;
  test::Random random(7);
  std::vector<Run> runs;
  const auto pages_below = [&random](std::size_t most) { return random.between(5, most); };
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const std::size_t pages = pages_below(random.one_in(8) ? 2 * kPagesPerRegion : 70);
    if (runs.size() < 20 || (runs.size() < 100 && random.one_in(2))) {
      void* memory = random.one_in(8) ? fixture.thread.allocate_aligned(16384, pages * kPageBytes)
                                      : fixture.thread.allocate(pages * kPageBytes);
      test::write_pattern(memory, pages * kPageBytes, i);
      runs.push_back({memory, pages, i});
      continue;
    }
    Run& run = runs[random.below(runs.size())];
    ASSERT_TRUE(test::has_pattern(run.memory, run.pages * kPageBytes, run.mark)) << i;
    if (random.one_in(3)) {
      if (fixture.allocator.resize(&fixture.thread.heap(), run.memory, pages * kPageBytes) !=
          run.memory)
        continue;
      run.pages = pages;
      test::write_pattern(run.memory, pages * kPageBytes, run.mark);
    } else {
      fixture.thread.deallocate(run.memory);
      run = runs.back();
      runs.pop_back();
    }
    if (i % 64 == 0) fixture.allocator.pages().verify();
  }
}

}  // namespace
}  // namespace luna
