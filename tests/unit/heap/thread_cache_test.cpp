// SPDX-License-Identifier: MIT
// The fast path: when it says yes, and when it leaves the work to others.
#include "heap/thread_cache.hpp"

#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace luna {
namespace {

struct OneThread {
  [[nodiscard]] bool try_deallocate(void* pointer) {
    return thread.cache().try_deallocate(pointer);
  }

  test::TestAllocator allocator;
  test::TestThread thread{allocator};
};

TEST(ThreadCache, BeginsEmpty) {
  ThreadCache cache;

  EXPECT_EQ(cache.try_allocate(0), nullptr);
  EXPECT_EQ(cache.try_allocate(kMaxSmallBytes), nullptr);
}

TEST(ThreadCache, LargeSizesAreNotItsBusiness) {
  ThreadCache cache;

  EXPECT_EQ(cache.try_allocate(kMaxSmallBytes + 1), nullptr);
  EXPECT_EQ(cache.try_allocate(SIZE_MAX), nullptr);
}

TEST(ThreadCache, HandsOutItsListInOrder) {
  ThreadCache cache;
  Block second = {nullptr};
  Block first = {&second};
  cache.lists[size_class_of(40)].first = &first;

  EXPECT_EQ(cache.try_allocate(33), &first);
  EXPECT_EQ(cache.try_allocate(48), &second);
  EXPECT_EQ(cache.try_allocate(40), nullptr);
}

TEST(ThreadCache, FirstRefillFillsTheList) {
  OneThread fixture;
  ASSERT_NE(fixture.thread.allocate(100), nullptr);

  EXPECT_NE(fixture.thread.cache().try_allocate(100), nullptr);
}

TEST(ThreadCache, FreesABlockOfItsOwn) {
  OneThread fixture;
  void* first = fixture.thread.allocate(100);
  void* second = fixture.thread.allocate(100);

  EXPECT_TRUE(fixture.try_deallocate(first));
  EXPECT_NE(second, nullptr);
}

TEST(ThreadCache, LeavesTheFreeThatFillsAListToOthers) {
  OneThread fixture;
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(fixture.thread.allocate(100));
  const auto full = std::find_if(blocks.begin(), blocks.end(),
                                 [&](void* block) { return !fixture.try_deallocate(block); });

  EXPECT_NE(full, blocks.begin());
  ASSERT_NE(full, blocks.end());
  EXPECT_EQ(fixture.allocator.deallocate(&fixture.thread.heap(), *full), Verdict::kDone);
}

TEST(ThreadCache, HandsOutTheBlockFreedLast) {
  OneThread fixture;
  void* first = fixture.thread.allocate(100);
  static_cast<void>(fixture.thread.allocate(100));

  ASSERT_TRUE(fixture.try_deallocate(first));
  EXPECT_EQ(fixture.thread.cache().try_allocate(100), first);
}

TEST(ThreadCache, LeavesNullToOthers) { EXPECT_FALSE(OneThread().try_deallocate(nullptr)); }

TEST(ThreadCache, LeavesForeignPointersToOthers) {
  OneThread fixture;
  static_cast<void>(fixture.thread.allocate(1));
  Block on_the_stack = {nullptr};

  EXPECT_FALSE(fixture.try_deallocate(&on_the_stack));
  EXPECT_FALSE(fixture.try_deallocate(reinterpret_cast<void*>(~std::uintptr_t{0})));
}

TEST(ThreadCache, LeavesMisalignedPointersToOthers) {
  OneThread fixture;
  auto* block = static_cast<std::byte*>(fixture.thread.allocate(100));

  for (std::size_t offset = 1; offset < 16; ++offset)
    EXPECT_FALSE(fixture.try_deallocate(block + offset));
}

TEST(ThreadCache, LeavesBlocksOfAnotherThreadToOthers) {
  OneThread fixture;
  test::TestThread other(fixture.allocator);
  void* block = other.allocate(100);

  EXPECT_FALSE(fixture.try_deallocate(block));
}

TEST(ThreadCache, LeavesLargeBlocksToOthers) {
  OneThread fixture;
  void* block = fixture.thread.allocate(kMaxListedBytes + 1);

  EXPECT_FALSE(fixture.try_deallocate(block));
}

TEST(ThreadCache, LeavesASecondFreeInARowToOthers) {
  OneThread fixture;
  void* block = fixture.thread.allocate(100);
  ASSERT_TRUE(fixture.try_deallocate(block));

  EXPECT_FALSE(fixture.try_deallocate(block));
}

TEST(ThreadCache, LeavesFreesToOthersWhenDetached) {
  OneThread fixture;
  void* block = fixture.thread.allocate(100);
  fixture.thread.park();

  EXPECT_FALSE(fixture.try_deallocate(block));
}

}  // namespace
}  // namespace luna
