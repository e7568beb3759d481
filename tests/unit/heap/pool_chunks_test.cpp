// SPDX-License-Identifier: MIT
#include "heap/pool_chunks.hpp"

#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace luna {
namespace {

// Chunks of 200 blocks, in four words each.
struct Chunks {
  [[nodiscard]] PoolChunk& add() {
    std::set<const PoolChunk*> before;
    chunks.for_each([&](const PoolChunk& chunk) { before.insert(&chunk); });
    EXPECT_TRUE(chunks.add(200));
    PoolChunk* added = nullptr;
    chunks.for_each([&](PoolChunk& chunk) {
      if (!before.contains(&chunk)) added = &chunk;
    });
    return *added;
  }
  void remove(PoolChunk& chunk) {
    EXPECT_TRUE(PoolChunks::close(chunk));
    chunks.remove(chunk);
  }
  [[nodiscard]] std::set<void*> take(std::size_t count) {
    std::set<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.insert(chunks.take_block());
    return blocks;
  }

  test::TestPages pages;
  PoolChunks chunks{pages.heap, {.block_bytes = 64, .lead_bytes = 16, .chunk_blocks = 200}};
};

TEST(PoolChunks, EachBlockIsTakenOnce) {
  Chunks fixture;
  for (int i = 0; i < 3; ++i) static_cast<void>(fixture.add());

  EXPECT_EQ(fixture.take(600).size(), 600U);
}

TEST(PoolChunks, BlockIsFoundByItsAddress) {
  Chunks fixture;
  PoolChunk& chunk = fixture.add();
  auto* memory = chunk.memory.load();

  EXPECT_EQ(fixture.chunks.block_at(chunk, memory + 16), 0U);
  EXPECT_EQ(fixture.chunks.block_at(chunk, memory + 16 + 64 * 199), 199U);
  EXPECT_EQ(fixture.chunks.block_at(chunk, memory + 16 + 64 * 200), SIZE_MAX);
  EXPECT_EQ(fixture.chunks.block_at(chunk, memory + 17), SIZE_MAX);
  EXPECT_EQ(fixture.chunks.block_at(chunk, memory), SIZE_MAX);
}

TEST(PoolChunks, ChunksAreFoundWhileTheyComeAndGo) {
  Chunks fixture;
  std::vector<PoolChunk*> chunks;
  for (int i = 0; i < 100; ++i) chunks.push_back(&fixture.add());
  std::vector<std::byte*> gone;
  for (std::size_t i = 0; i < 100; i += 2) {
    gone.push_back(chunks[i]->memory.load());
    fixture.remove(*chunks[i]);
  }

  for (const std::byte* memory : gone) {
    EXPECT_EQ(fixture.chunks.find(memory), nullptr);
    EXPECT_EQ(fixture.chunks.find_locked(memory), nullptr);
  }
  for (std::size_t i = 1; i < 100; i += 2) {
    const std::byte* last = chunks[i]->memory.load() + fixture.chunks.bytes_of(*chunks[i]) - 1;
    EXPECT_EQ(fixture.chunks.find(last), chunks[i]);
    EXPECT_EQ(fixture.chunks.find_locked(last), chunks[i]);
    EXPECT_EQ(fixture.chunks.find(last + 1), nullptr);
  }
}

TEST(PoolChunks, ChunkWithABlockInUseCannotBeClosed) {
  Chunks fixture;
  PoolChunk& chunk = fixture.add();
  const std::set<void*> blocks = fixture.take(200);
  void* used = chunk.memory.load() + 16 + 64 * 150;
  for (void* block : blocks) {
    if (block == used) continue;
    EXPECT_TRUE(PoolChunks::mark_free(chunk, fixture.chunks.block_at(chunk, block)));
  }

  EXPECT_FALSE(PoolChunks::close(chunk));
  EXPECT_EQ(fixture.take(199).size(), 199U);  // as if nothing had been
}

TEST(PoolChunks, BlockOfAClosedChunkIsNotFreedTwice) {
  Chunks fixture;
  PoolChunk& chunk = fixture.add();
  EXPECT_TRUE(PoolChunks::close(chunk));

  EXPECT_FALSE(PoolChunks::mark_free(chunk, 5));
  EXPECT_FALSE(chunk.is_empty());
  fixture.chunks.remove(chunk);
}

TEST(PoolChunks, HintThatIsLostIsFoundAgain) {
  Chunks fixture;
  PoolChunk& chunk = fixture.add();
  chunk.open.store(0);
  chunk.level_open->store(0);

  EXPECT_EQ(fixture.take(200).size(), 200U);
}

}  // namespace
}  // namespace luna
