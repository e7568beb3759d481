// SPDX-License-Identifier: MIT
// The queue of blocks by itself and between threads; every interleaving of its steps is in
// block_queue_model_test.cpp.
#include "heap/block_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace luna {
namespace {

// Some address for a number; nothing is read there.
[[nodiscard]] void* block_of(std::size_t number) { return reinterpret_cast<void*>(number * 16); }

template <std::size_t kCapacity>
struct QueueOf {
  std::array<BlockQueue::Cell, kCapacity> cells;
  BlockQueue queue{cells.data(), kCapacity};
};

TEST(BlockQueue, BlocksComeOutAsTheyWentIn) {
  QueueOf<4> fixture;
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_TRUE(fixture.queue.try_push({block_of(i), i * 100}));

  for (std::size_t i = 1; i <= 3; ++i) {
    QueuedBlock block;
    EXPECT_TRUE(fixture.queue.try_pop(block));
    EXPECT_EQ(block.pointer, block_of(i));
    EXPECT_EQ(block.bytes, i * 100);
  }
}

TEST(BlockQueue, EmptyOneGivesNothingAndLeavesTheResultAlone) {
  QueueOf<2> fixture;
  QueuedBlock block{block_of(7), 7};

  EXPECT_FALSE(fixture.queue.try_pop(block));
  EXPECT_EQ(block.pointer, block_of(7));
}

TEST(BlockQueue, FullOneTakesNoMore) {
  QueueOf<2> fixture;
  EXPECT_TRUE(fixture.queue.try_push({block_of(1), 1}));
  EXPECT_TRUE(fixture.queue.try_push({block_of(2), 1}));

  EXPECT_FALSE(fixture.queue.try_push({block_of(3), 1}));
  EXPECT_EQ(fixture.queue.count(), 2U);
}

TEST(BlockQueue, GoesAroundManyTimes) {
  QueueOf<4> fixture;
  for (std::size_t i = 1; i <= 1000; ++i) {
    ASSERT_TRUE(fixture.queue.try_push({block_of(i), i}));
    ASSERT_TRUE(fixture.queue.try_push({block_of(i), i + 1}));
    QueuedBlock block;
    ASSERT_TRUE(fixture.queue.try_pop(block));
    ASSERT_TRUE(fixture.queue.try_pop(block));
    ASSERT_EQ(block.bytes, i + 1);
  }

  EXPECT_EQ(fixture.queue.count(), 0U);
}

// Blocks of several threads to several others. What a thread wrote to a block before, without
// any atomic, the other reads.
TEST(BlockQueue, EachBlockArrivesOnceAndWithItsContents) {
  constexpr std::size_t kPushers = 2;
  constexpr std::size_t kPoppers = 2;
  constexpr std::size_t kEach = 30'000;
  QueueOf<16> fixture;
  std::vector<std::size_t> contents(kPushers * kEach);
  std::vector<std::size_t> arrived(kPushers * kEach);
  std::atomic<std::size_t> left{kPushers * kEach};
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kPushers; ++thread)
    threads.emplace_back([&, thread] {
      for (std::size_t i = thread * kEach; i < (thread + 1) * kEach; ++i) {
        contents[i] = i + 1;
        while (!fixture.queue.try_push({&contents[i], i})) std::this_thread::yield();
      }
    });
  for (std::size_t thread = 0; thread < kPoppers; ++thread)
    threads.emplace_back([&] {
      std::array<std::size_t, kPushers> next{};  // of each thread, in its order
      while (left.load() != 0) {
        QueuedBlock block;
        if (!fixture.queue.try_pop(block)) {
          std::this_thread::yield();
          continue;
        }
        --left;
        ++arrived[block.bytes];
        std::size_t& least = next[block.bytes / kEach];
        if (*static_cast<std::size_t*>(block.pointer) != block.bytes + 1) ++wrong;
        if (block.bytes < least) ++wrong;
        least = block.bytes + 1;
      }
    });
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(std::ranges::count(arrived, 1U), std::ssize(arrived));
}

}  // namespace
}  // namespace luna
