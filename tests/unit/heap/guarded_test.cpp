// SPDX-License-Identifier: MIT
#include "heap/guarded.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace luna {
namespace {

struct Told {
  MistakeKind kind;
  std::uintptr_t address;
};

// Knows one stack, and remembers what it is told.
struct Pool {
  explicit Pool(std::size_t slots, std::uint64_t one_in = 1) {
    EXPECT_TRUE(blocks.begin(slots, one_in, {this, walk, misused}));
  }
  ~Pool() { blocks.verify(); }

  static std::size_t walk(void*, std::uintptr_t* frames, std::size_t depth) noexcept {
    frames[0] = 4711;
    return depth < 1 ? depth : 1;
  }
  static void misused(void* self, const GuardMistake& mistake) noexcept {
    static_cast<Pool*>(self)->told.push_back({mistake.kind, mistake.address});
  }

  GuardedBlock* allocate(std::size_t bytes, std::size_t alignment = 16) {
    GuardedBlock* block = blocks.take(bytes, alignment);
    if (block != nullptr) blocks.publish(*block);
    return block;
  }
  void free(GuardedBlock* block) {
    EXPECT_TRUE(blocks.claim(*block, block->memory));
    blocks.put(*block);
  }
  // One that begins, or ends, at a page without access.
  GuardedBlock* at_start(std::size_t bytes) {
    GuardedBlock* block = allocate(bytes);
    if (address_of(block->memory) % page != 0) block = allocate(bytes);
    return block;
  }
  GuardedBlock* at_end(std::size_t bytes) {
    GuardedBlock* block = allocate(bytes);
    if (address_of(block->memory) % page == 0) block = allocate(bytes);
    return block;
  }

  GuardedBlocks blocks;
  std::vector<Told> told;
  std::size_t page = os::page_bytes();
};

[[nodiscard]] bool readable(const std::byte* at) {
  return os::is_readable(round_down(address_of(at), 8));
}

TEST(Guarded, NothingIsDueBeforeTheBeginning) {
  GuardedBlocks blocks;

  EXPECT_FALSE(blocks.is_due(16, 16));
  EXPECT_FALSE(blocks.own(nullptr));
  EXPECT_FALSE(blocks.own(&blocks));
}

TEST(Guarded, OneInSoManyIsDue) {
  Pool pool(4, 10);

  int due = 0;
  for (int i = 0; i < 1000; ++i) due += pool.blocks.is_due(16, 16) ? 1 : 0;

  EXPECT_EQ(due, 100);
}

TEST(Guarded, HowManyAreDueMayChange) {
  GuardedBlocks never;
  EXPECT_FALSE(never.set_one_in(1));
  EXPECT_FALSE(never.is_due(16, 16));

  Pool pool(4, 1000);
  EXPECT_TRUE(pool.blocks.set_one_in(0));
  EXPECT_FALSE(pool.blocks.is_due(16, 16));
  EXPECT_TRUE(pool.blocks.set_one_in(1));
  EXPECT_TRUE(pool.blocks.is_due(16, 16));
  EXPECT_TRUE(pool.blocks.is_due(16, 16));
}

TEST(Guarded, WhatDoesNotFitIntoAPageIsNotDue) {
  Pool pool(4);

  EXPECT_TRUE(pool.blocks.is_due(pool.page, pool.page));
  EXPECT_FALSE(pool.blocks.is_due(pool.page + 1, 16));
  EXPECT_FALSE(pool.blocks.is_due(16, 2 * pool.page));
  EXPECT_FALSE(pool.blocks.is_due(0, 16));
}

TEST(Guarded, BlocksLieAtTheEndOfAPageAndAtItsStartInTurn) {
  Pool pool(4);
  const GuardedBlock* first = pool.allocate(100);
  const GuardedBlock* second = pool.allocate(100);

  EXPECT_EQ(address_of(first->memory) % pool.page, pool.page - 112);
  EXPECT_FALSE(readable(first->memory + 112));
  EXPECT_EQ(address_of(second->memory) % pool.page, 0U);
  EXPECT_FALSE(readable(second->memory - 8));
}

TEST(Guarded, AlignmentsAreKept) {
  Pool pool(64);
  for (std::size_t alignment = 1; alignment <= pool.page; alignment *= 2)
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{100}, pool.page}) {
      const GuardedBlock* block = pool.allocate(bytes, alignment);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(address_of(block->memory) % alignment, 0U);
      EXPECT_EQ(address_of(block->memory) % 16, 0U);
      std::memset(block->memory, 1, bytes);
    }
}

TEST(Guarded, AFreedBlockCannotBeAccessed) {
  Pool pool(4);
  GuardedBlock* block = pool.allocate(100);
  std::byte* memory = block->memory;
  EXPECT_TRUE(readable(memory));

  pool.free(block);

  EXPECT_FALSE(readable(memory));
  EXPECT_TRUE(block->is_freed());
  EXPECT_EQ(pool.blocks.find(memory), block);
  EXPECT_FALSE(pool.blocks.claim(*block, memory));
}

TEST(Guarded, StacksAndThreadsAreKept) {
  Pool pool(4);
  GuardedBlock* block = pool.allocate(100);
  EXPECT_EQ(block->allocated.depth, 1U);
  EXPECT_EQ(block->allocated.frames[0], 4711U);
  EXPECT_EQ(block->freed.depth, 0U);

  std::thread([&] { pool.free(block); }).join();

  EXPECT_EQ(block->freed.depth, 1U);
  EXPECT_NE(block->freed.thread, block->allocated.thread);
}

TEST(Guarded, FreedSlotsWaitUntilAllOthersWereUsed) {
  Pool pool(4);
  GuardedBlock* first = pool.allocate(10);
  GuardedBlock* second = pool.allocate(10);
  pool.free(second);
  pool.free(first);

  std::vector<GuardedBlock*> order;
  for (int i = 0; i < 4; ++i) order.push_back(pool.allocate(10));

  EXPECT_EQ(std::set<GuardedBlock*>(order.begin(), order.end()).size(), 4U);
  EXPECT_EQ(order[2], second);
  EXPECT_EQ(order[3], first);
}

TEST(Guarded, ThereIsNoneWhenAllLive) {
  Pool pool(2);
  GuardedBlock* block = pool.allocate(10);
  ASSERT_NE(pool.allocate(10), nullptr);

  EXPECT_EQ(pool.allocate(10), nullptr);
  pool.free(block);
  EXPECT_EQ(pool.allocate(10), block);
}

TEST(Guarded, WhatWasDiscardedIsUsedAgainAndUnknown) {
  Pool pool(1);
  GuardedBlock* block = pool.blocks.take(10, 16);
  const std::byte* memory = block->memory;

  pool.blocks.discard(*block);

  EXPECT_EQ(pool.blocks.find(memory), nullptr);
  EXPECT_EQ(pool.allocate(10), block);
}

TEST(Guarded, AWriteBehindABlockIsFoundWhenItIsFreed) {
  Pool pool(4);
  GuardedBlock* block = pool.at_end(29);
  block->memory[30] = std::byte{0};
  block->memory[31] = std::byte{0};

  pool.free(block);

  ASSERT_EQ(pool.told.size(), 1U);
  EXPECT_EQ(pool.told[0].kind, MistakeKind::kWrittenBeyond);
  EXPECT_EQ(pool.told[0].address, address_of(block->memory + 30));
}

TEST(Guarded, AWriteBeforeABlockIsFoundWhenItIsFreed) {
  Pool pool(4);
  GuardedBlock* block = pool.at_end(29);
  block->memory[-3] = std::byte{0};
  block->memory[-40] = std::byte{0};

  pool.free(block);

  ASSERT_EQ(pool.told.size(), 1U);
  EXPECT_EQ(pool.told[0].kind, MistakeKind::kWrittenBefore);
  EXPECT_EQ(pool.told[0].address, address_of(block->memory - 3));
}

TEST(Guarded, ABlockThatFillsItsPageHasNoSlack) {
  Pool pool(4);
  for (int i = 0; i < 4; ++i) {
    GuardedBlock* block = pool.allocate(pool.page);
    std::memset(block->memory, 1, pool.page);
    pool.free(block);
  }

  EXPECT_TRUE(pool.told.empty());
}

TEST(Guarded, AccessesAreExplained) {
  Pool pool(4);
  GuardedBlock* last = pool.at_end(64);
  GuardedBlock* first = pool.at_start(64);
  const auto explain = [&](const std::byte* at) { return pool.blocks.explain(address_of(at)); };

  const GuardMistake beyond = explain(last->memory + 64);
  EXPECT_EQ(beyond.block, last);
  EXPECT_EQ(beyond.kind, MistakeKind::kBeyond);
  const GuardMistake before = explain(first->memory - 1);
  EXPECT_EQ(before.block, first);
  EXPECT_EQ(before.kind, MistakeKind::kBefore);
  EXPECT_EQ(explain(last->memory).block, nullptr);  // that can be accessed
  pool.free(last);
  EXPECT_EQ(explain(last->memory + 3).kind, MistakeKind::kUseAfterFree);
  EXPECT_EQ(explain(last->memory + 64).kind, MistakeKind::kUseAfterFree);
  EXPECT_EQ(pool.blocks.explain(address_of(&pool)).block, nullptr);
}

TEST(Guarded, TheNearerOfTwoBlocksIsMeant) {
  Pool pool(2);
  const GuardedBlock* left = pool.allocate(64);    // up to the guard between them
  const GuardedBlock* right = pool.allocate(640);  // from there on

  EXPECT_EQ(pool.blocks.explain(address_of(left->memory + 64 + 10)).block, left);
  EXPECT_EQ(pool.blocks.explain(address_of(right->memory - 10)).block, right);
}

TEST(Guarded, WhatWasOpenedIsClosedWithTheBlock) {
  Pool pool(1);
  GuardedBlock* block = pool.allocate(64);
  const GuardMistake mistake = pool.blocks.explain(address_of(block->memory + 64));
  pool.blocks.report(mistake);
  pool.blocks.open(mistake.address);
  EXPECT_TRUE(readable(block->memory + 64));

  pool.free(block);

  EXPECT_FALSE(readable(block->memory + 64));
}

TEST(Guarded, AMistakeIsToldOnceInTheLifeOfABlock) {
  Pool pool(1);
  for (std::size_t life = 1; life <= 2; ++life) {
    GuardedBlock* block = pool.allocate(64);
    for (int i = 0; i < 3; ++i)
      pool.blocks.report({MistakeKind::kBeyond, block, address_of(block->memory + 64)});
    EXPECT_EQ(pool.told.size(), life);
    pool.free(block);
  }
}

TEST(Guarded, ThreadsShareThePool) {
  Pool pool(8);
  const auto work = [&](unsigned char mark) {
    for (int i = 0; i < 500; ++i) {
      GuardedBlock* block = pool.allocate(200);
      if (block == nullptr) continue;
      std::memset(block->memory, mark, 200);
      EXPECT_EQ(block->memory[199], std::byte{mark});
      pool.free(block);
    }
  };

  std::vector<std::thread> threads;
  for (unsigned char i = 1; i <= 6; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();

  EXPECT_TRUE(pool.told.empty());
}

}  // namespace
}  // namespace luna
