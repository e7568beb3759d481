// SPDX-License-Identifier: MIT
#include "heap/block_census.hpp"

#include "support/one_thread.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace luna {
namespace {

using test::OneThread;
using test::Random;

// A census under the locks of an allocator.
struct Census {
  explicit Census(Allocator& subject) : allocator(subject) {
    allocator.prepare_fork();
    EXPECT_TRUE(census.begin());
  }
  ~Census() { allocator.resume_parent(); }
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  [[nodiscard]] std::size_t blocks() const {
    std::size_t count = 0;
    census.for_each_block([&](const FoundBlock&) { ++count; });
    return count;
  }

  Allocator& allocator;
  BlockCensus census{allocator};
};

TEST(BlockCensus, FindsABlockByEachOfItsBytes) {
  for (const std::size_t bytes : {16U, 112U, 5000U, 16'384U, 20'000U, 300'000U, 2'500'000U}) {
    OneThread fixture;
    const std::uintptr_t block = address_of(fixture.thread.allocate(bytes));
    const std::size_t usable = fixture.allocator.usable_bytes(reinterpret_cast<void*>(block));
    const Census found(fixture.allocator);
    for (const std::size_t offset : {std::size_t{0}, bytes / 2, usable - 1}) {
      EXPECT_EQ(found.census.find(block + offset).begin, block) << bytes;
      EXPECT_EQ(found.census.find(block + offset).bytes, usable) << bytes;
    }
    EXPECT_NE(found.census.find(block + usable).begin, block) << bytes;
  }
}

TEST(BlockCensus, AHugeBlockIsOneToo) {
  OneThread fixture;
  const std::size_t bytes = std::size_t{1200} << 20;
  const std::uintptr_t block = address_of(fixture.thread.allocate(bytes));
  ASSERT_NE(block, 0U);
  {
    const Census found(fixture.allocator);
    EXPECT_EQ(found.census.find(block + bytes - 1).begin, block);
    EXPECT_EQ(found.blocks(), 1U);
  }
  fixture.thread.deallocate(reinterpret_cast<void*>(block));
  const Census found(fixture.allocator);
  EXPECT_EQ(found.census.find(block + bytes - 1).bytes, 0U);
}

TEST(BlockCensus, KnowsWhatIsFree) {
  OneThread fixture;
  Random random(1);
  std::map<std::uintptr_t, std::size_t> live;
  std::vector<std::uintptr_t> freed;
  for (int i = 0; i < 20'000; ++i) {
    if (random.one_in(2) && !live.empty()) {
      const auto at = live.lower_bound(random.below(UINT64_MAX));
      const auto victim = at != live.end() ? at : live.begin();
      fixture.thread.deallocate(reinterpret_cast<void*>(victim->first));
      freed.push_back(victim->first);
      live.erase(victim);
    } else {
      const std::size_t bytes = random.one_in(50) ? random.below(300'000) : random.below(2000);
      live[address_of(fixture.thread.allocate(bytes))] = bytes;
    }
  }

  const Census found(fixture.allocator);
  for (const auto& [address, bytes] : live) {
    EXPECT_EQ(found.census.find(address).begin, address);
    EXPECT_GE(found.census.find(address).bytes, bytes);
  }
  for (const std::uintptr_t address : freed)
    EXPECT_TRUE(live.contains(address) || found.census.find(address).begin != address);
  EXPECT_EQ(found.blocks(), live.size());
}

TEST(BlockCensus, WhatAnotherThreadFreedIsFree) {
  OneThread fixture;
  test::TestThread other(fixture.allocator);
  const std::vector<void*> blocks = fixture.allocate_many(100, 64);
  for (void* block : blocks) other.deallocate(block);
  other.publish();
  const Census found(fixture.allocator);
  for (const void* block : blocks) EXPECT_EQ(found.census.find(address_of(block)).bytes, 0U);
}

// A thread may have been about to change its list: then it is not believed.
TEST(BlockCensus, AListThatLeadsAstrayMakesNothingFree) {
  OneThread fixture;
  const std::vector<void*> live = fixture.allocate_many(10, 64);
  const std::vector<void*> gone = fixture.allocate_many(10, 64);
  for (void* block : gone) fixture.thread.deallocate(block);
  auto* first = static_cast<Block*>(gone.back());
  Block* const next = first->next;
  first->next = static_cast<Block*>(live[3]);
  *static_cast<void**>(live[3]) = nullptr;
  {
    const Census found(fixture.allocator);
    for (const void* block : live) EXPECT_NE(found.census.find(address_of(block)).bytes, 0U);
  }
  first->next = next;
}

TEST(BlockCensus, AllMemoryOfTheAllocatorIsKnown) {
  OneThread fixture;
  const std::uintptr_t block = address_of(fixture.thread.allocate(100));
  bool has_block = false;
  bool has_heap = false;
  bool has_itself = false;
  Census found(fixture.allocator);
  found.census.for_each_range([&](std::uintptr_t begin, std::size_t bytes) {
    has_block = has_block || block - begin < bytes;
    has_heap = has_heap || address_of(&fixture.thread.heap()) - begin < bytes;
    has_itself = has_itself || address_of(&fixture.allocator) - begin < bytes;
  });
  EXPECT_TRUE(has_block && has_heap && has_itself);
}

}  // namespace
}  // namespace luna
