// SPDX-License-Identifier: MIT
// A slab on memory of its own: carving, purging, and what its list is checked for.
#include "heap/slab.hpp"

#include "os/memory.hpp"
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace luna {
namespace {

// A slab of blocks of one size. Its owner is a number: nobody calls it.
struct TestSlab {
  explicit TestSlab(std::size_t bytes, bool warm = false) {
    memory = static_cast<std::byte*>(os::map(kGranuleBytes));
    begin_slab(slab, size_class_of(bytes), 0x1000, warm);
  }
  ~TestSlab() { os::release(memory, kGranuleBytes); }
  TestSlab(const TestSlab&) = delete;
  TestSlab& operator=(const TestSlab&) = delete;

  // Takes a block as a thread would; nullptr when all are out.
  [[nodiscard]] std::byte* take() {
    if (slab.own.first == nullptr && slab.has_room()) carve(slab, memory);
    if (slab.own.first == nullptr) return nullptr;
    Block* block = slab.own.first;
    slab.own.first = block->next;
    slab.set_used(slab.used() + 1);
    return reinterpret_cast<std::byte*>(block);
  }

  [[nodiscard]] std::vector<std::byte*> take_all() {
    std::vector<std::byte*> blocks;
    while (std::byte* block = take()) blocks.push_back(block);
    return blocks;
  }

  void put(std::byte* pointer) {
    auto* block = reinterpret_cast<Block*>(pointer);
    block->next = slab.own.first;
    slab.own.first = block;
    slab.set_used(slab.used() - 1);
  }

  void check() const { check_free_list(slab, memory); }

  std::byte* memory;
  Slab slab{};
};

// One test for each size class.
class EachClass : public testing::TestWithParam<std::size_t> {};

TEST_P(EachClass, CarvingCoversEachBlockExactlyOnce) {
  TestSlab fixture(GetParam());
  const std::vector<std::byte*> blocks = fixture.take_all();
  const std::set<std::byte*> different(blocks.begin(), blocks.end());

  EXPECT_EQ(blocks.size(), fixture.slab.info().capacity);
  EXPECT_EQ(different.size(), blocks.size());
  for (const std::byte* block : blocks) {
    const auto offset = static_cast<std::size_t>(block - fixture.memory);
    ASSERT_EQ(offset % GetParam(), 0U);
    ASSERT_LE(offset + GetParam(), kGranuleBytes);
  }
}

TEST_P(EachClass, CarvingTouchesOnePageAtATime) {
  TestSlab fixture(GetParam());
  std::size_t last = 0;
  while (fixture.slab.has_room()) {
    carve(fixture.slab, fixture.memory);
    fixture.check();
    fixture.slab.own.first = nullptr;
    fixture.slab.set_used(fixture.slab.carved);
    const std::size_t touched = fixture.slab.touched_bytes();
    ASSERT_GT(touched, last);
    ASSERT_LT(touched - last, kPageBytes + GetParam());
    last = touched;
  }
  EXPECT_EQ(fixture.slab.fresh, fixture.slab.info().capacity);
}

TEST_P(EachClass, CarvingWarmPagesCoversEachBlockExactlyOnceToo) {
  TestSlab fixture(GetParam(), true);
  const std::vector<std::byte*> blocks = fixture.take_all();

  EXPECT_EQ(blocks.size(), fixture.slab.info().capacity);
  EXPECT_EQ(std::set<std::byte*>(blocks.begin(), blocks.end()).size(), blocks.size());
}

TEST_P(EachClass, PurgedEmptySlabGivesEachBlockOnceAgain) {
  TestSlab fixture(GetParam());
  for (std::byte* block : fixture.take_all()) fixture.put(block);
  const std::size_t purged = purge_free_pages(fixture.slab, fixture.memory);
  fixture.check();
  const std::vector<std::byte*> blocks = fixture.take_all();

  const std::size_t touched = pages_for(fixture.slab.info().capacity * GetParam());
  EXPECT_EQ(purged, test::kernel_pages_are_ours() ? touched : 0);
  EXPECT_EQ(std::set<std::byte*>(blocks.begin(), blocks.end()).size(),
            fixture.slab.info().capacity);
}

TEST_P(EachClass, PurgeLeavesBlocksInUseAlone) {
  TestSlab fixture(GetParam());
  std::vector<std::byte*> blocks = fixture.take_all();
  std::vector<std::byte*> kept;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i * 7 % blocks.size() < blocks.size() / 5 + 1) {
      test::write_pattern(blocks[i], GetParam(), i);
      kept.push_back(blocks[i]);
    } else {
      fixture.put(blocks[i]);
    }
  }
  purge_free_pages(fixture.slab, fixture.memory);
  fixture.check();
  while (std::byte* block = fixture.take()) test::write_pattern(block, GetParam(), 99);

  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i * 7 % blocks.size() < blocks.size() / 5 + 1) {
      ASSERT_TRUE(test::has_pattern(blocks[i], GetParam(), i)) << i;
    }
  }
}

TEST_P(EachClass, PurgeOfAPartlyCarvedSlabLosesNoBlock) {
  TestSlab fixture(GetParam());
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 3; ++i) blocks.push_back(fixture.take());
  for (std::byte* block : blocks)
    if (block != nullptr) fixture.put(block);
  purge_free_pages(fixture.slab, fixture.memory);
  fixture.check();

  const std::vector<std::byte*> all = fixture.take_all();

  EXPECT_EQ(std::set<std::byte*>(all.begin(), all.end()).size(), fixture.slab.info().capacity);
}

[[nodiscard]] std::vector<std::size_t> all_block_bytes() {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < kSizeClasses; ++i)
    result.push_back(block_bytes(static_cast<SizeClass>(i)));
  return result;
}

INSTANTIATE_TEST_SUITE_P(Slab, EachClass, testing::ValuesIn(all_block_bytes()));

TEST(Slab, PurgeGivesBackOnlyPagesWithoutABlockInUse) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  TestSlab fixture(1024);
  std::vector<std::byte*> blocks = fixture.take_all();
  for (std::byte* block : blocks)
    if (block != fixture.memory + 5 * kPageBytes + 1024) fixture.put(block);

  EXPECT_EQ(purge_free_pages(fixture.slab, fixture.memory), kPagesPerGranule - 1);
  EXPECT_EQ(fixture.slab.carved - fixture.slab.used(), 3U);
}

TEST(Slab, SecondPurgeHasNothingToDo) {
  TestSlab fixture(64);
  for (std::byte* block : fixture.take_all()) fixture.put(block);
  fixture.put(fixture.take());
  purge_free_pages(fixture.slab, fixture.memory);

  EXPECT_EQ(purge_free_pages(fixture.slab, fixture.memory), 0U);
}

TEST(Slab, SecondPurgeOfLargeBlocksHasNothingToDoEither) {
  TestSlab fixture(16 * 1024);
  std::vector<std::byte*> blocks = fixture.take_all();
  for (std::size_t i = 1; i < blocks.size(); ++i) fixture.put(blocks[i]);
  purge_free_pages(fixture.slab, fixture.memory);

  EXPECT_EQ(purge_free_pages(fixture.slab, fixture.memory), 0U);
}

TEST(Slab, FullSlabHasNothingToPurge) {
  TestSlab fixture(512);
  static_cast<void>(fixture.take_all());

  EXPECT_EQ(purge_free_pages(fixture.slab, fixture.memory), 0U);
}

// A slab of 64-byte blocks, the first sixteen of which were taken and put.
struct SixteenFree : TestSlab {
  SixteenFree() : TestSlab(64) {
    for (int i = 0; i < 16; ++i) blocks.push_back(take());
    for (std::byte* block : blocks) put(block);
  }

  [[nodiscard]] Block* block(std::size_t number) {
    return reinterpret_cast<Block*>(blocks[number]);
  }

  std::vector<std::byte*> blocks;
};

TEST(Slab, SoundListPassesBothChecks) {
  SixteenFree fixture;

  fixture.check();
  glance_at_free_list(fixture.slab, fixture.memory);
}

TEST_P(EachClass, AsleepItCountsDownToItsWaking) {
  TestSlab fixture(GetParam());
  const std::size_t all = fixture.take_all().size();
  fixture.slab.fall_asleep();

  EXPECT_EQ(fixture.slab.used(), all);
  EXPECT_EQ(fixture.slab.own.room, fixture.slab.blocks_to_wake());
  EXPECT_LE(fixture.slab.blocks_to_wake(), all / 4 + 1);
}

TEST(SlabDeathTest, BlockFreedTwiceIsFound) {
  SixteenFree fixture;
  fixture.slab.set_used(fixture.slab.used() + 1);
  fixture.put(fixture.blocks[3]);

  EXPECT_DEATH(fixture.check(), "lunalloc: double free of 0x");
}

TEST(SlabDeathTest, BlockFreedTwiceInARowIsSeenAtAGlance) {
  SixteenFree fixture;
  fixture.slab.own.first->next = fixture.slab.own.first;

  EXPECT_DEATH(glance_at_free_list(fixture.slab, fixture.memory), "lunalloc: double free of 0x");
}

TEST(SlabDeathTest, LinkOutOfTheSlabIsFound) {
  SixteenFree fixture;
  fixture.block(8)->next = reinterpret_cast<Block*>(fixture.memory + kGranuleBytes);

  EXPECT_DEATH(fixture.check(), "lunalloc: double free or corruption at 0x");
}

TEST(SlabDeathTest, LinkIntoABlockIsFound) {
  SixteenFree fixture;
  fixture.block(8)->next = reinterpret_cast<Block*>(fixture.blocks[2] + 16);

  EXPECT_DEATH(fixture.check(), "lunalloc: double free or corruption at 0x");
}

TEST(SlabDeathTest, LinkToABlockNeverHandedOutIsFound) {
  SixteenFree fixture;
  fixture.block(8)->next = reinterpret_cast<Block*>(fixture.memory + kGranuleBytes - 64);

  EXPECT_DEATH(fixture.check(), "lunalloc: double free or corruption at 0x");
}

TEST(SlabDeathTest, GarbageInAFreedBlockIsSeenAtAGlance) {
  SixteenFree fixture;
  fixture.slab.own.first->next = reinterpret_cast<Block*>(0x4141414141414141);

  EXPECT_DEATH(glance_at_free_list(fixture.slab, fixture.memory),
               "lunalloc: double free or corruption at 0x4141414141414141");
}

TEST(SlabDeathTest, GarbageInTheBlockBehindIsSeenAtAGlance) {
  SixteenFree fixture;
  Block* second = fixture.slab.own.first->next;
  second->next = reinterpret_cast<Block*>(0x4141414141414141);

  EXPECT_DEATH(glance_at_free_list(fixture.slab, fixture.memory),
               "lunalloc: double free or corruption at 0x4141414141414141");
}

TEST(SlabDeathTest, ListThatIsTooShortIsFound) {
  SixteenFree fixture;
  fixture.block(8)->next = nullptr;

  EXPECT_DEATH(fixture.check(), "lunalloc: double free or corruption at 0x");
}

TEST(SlabDeathTest, ReleaseOfAListWithACircleDoesNotHang) {
  SixteenFree fixture;
  fixture.block(2)->next = fixture.block(9);

  EXPECT_DEATH(fixture.check(), "lunalloc: double free of 0x");
}

}  // namespace
}  // namespace luna
