// SPDX-License-Identifier: MIT
// Guarded samples by way of the allocator: they are samples for the profile, and freed,
// resized and measured like other blocks.
#include "support/pattern.hpp"
#include "support/profiled.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace luna {
namespace {

struct Guarding : test::Profiled {
  Guarding() {
    const GuardObserver observer = {
        this,
        [](void*, std::uintptr_t*, std::size_t) noexcept { return std::size_t{0}; },
        [](void* self, const GuardMistake& mistake) noexcept {
          static_cast<Guarding*>(self)->told.push_back(mistake.kind);
        },
    };
    EXPECT_TRUE(allocator.guarded().begin(8, 1, observer));
  }
  ~Guarding() { allocator.guarded().verify(); }

  std::vector<MistakeKind> told;
};

TEST(Guarding, AGuardedBlockIsASample) {
  Guarding fixture;
  void* block = fixture.thread.allocate(100);
  ASSERT_TRUE(fixture.allocator.guarded().own(block));
  test::expect_amount(test::look(fixture.profiler).totals.live, 1, 100);

  fixture.thread.deallocate(block);

  test::expect_amount(test::look(fixture.profiler).totals.live, 0, 0);
  test::expect_amount(test::look(fixture.profiler).totals.allocated, 1, 100);
}

TEST(Guarding, TheProgramMayUseWhatItAskedFor) {
  Guarding fixture;
  void* block = fixture.thread.allocate(101);

  EXPECT_EQ(fixture.allocator.usable_bytes(block), 101U);
  EXPECT_FALSE(fixture.allocator.fits(block, 101));
  EXPECT_EQ(fixture.allocator.resize(&fixture.thread.heap(), block, 50), nullptr);

  fixture.thread.deallocate(block);
  EXPECT_TRUE(fixture.told.empty());
}

// What would have stayed where it lies is the same sample still; else lots are drawn for it.
TEST(Guarding, AResizedBlockMovesAndStaysASample) {
  Guarding fixture;
  auto* block = static_cast<std::byte*>(fixture.thread.allocate(100));
  test::write_pattern(block, 100, 1);

  auto* moved =
      static_cast<std::byte*>(fixture.allocator.resize(&fixture.thread.heap(), block, 110));

  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, block);
  EXPECT_TRUE(fixture.allocator.guarded().own(moved));
  EXPECT_TRUE(fixture.allocator.guarded().find(block)->is_freed());
  EXPECT_TRUE(test::has_pattern(moved, 100, 1));
  EXPECT_EQ(fixture.allocator.usable_bytes(moved), 110U);
  test::expect_amount(test::look(fixture.profiler).totals.live, 1, 110);
  test::expect_amount(test::look(fixture.profiler).totals.allocated, 1, 110);
  fixture.thread.deallocate(moved);
  test::expect_amount(test::look(fixture.profiler).totals.live, 0, 0);
}

TEST(Guarding, AResizedBlockFindsRoomWhenAllSlotsAreInUse) {
  Guarding fixture;
  std::vector<void*> blocks = fixture.allocate_many(8, 100);
  const std::uint64_t before = test::look(fixture.profiler).totals.live.samples;

  void* moved = fixture.allocator.resize(&fixture.thread.heap(), blocks[0], 99);

  ASSERT_NE(moved, nullptr);
  EXPECT_FALSE(fixture.allocator.guarded().own(moved));
  EXPECT_EQ(test::look(fixture.profiler).totals.live.samples, before);
  blocks[0] = moved;
  fixture.free_all(blocks);
  test::expect_amount(test::look(fixture.profiler).totals.live, 0, 0);
}

TEST(Guarding, AFreedBlockIsNotResized) {
  Guarding fixture;
  void* block = fixture.thread.allocate(100);
  fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.allocator.resize(&fixture.thread.heap(), block, 110), nullptr);
}

TEST(Guarding, ZeroedBlocksAreZeroWhateverLayThere) {
  Guarding fixture;
  for (int i = 0; i < 20; ++i) {
    auto* block =
        static_cast<std::byte*>(fixture.allocator.allocate_zeroed(fixture.thread.heap(), 1000));
    ASSERT_TRUE(fixture.allocator.guarded().own(block));
    EXPECT_TRUE(std::all_of(block, block + 1000, [](std::byte b) { return b == std::byte{0}; }));
    std::memset(block, 7, 1000);
    fixture.thread.deallocate(block);
  }
  EXPECT_TRUE(fixture.told.empty());
}

TEST(Guarding, MoreBlocksThanSlotsAreSamplesLikeOthers) {
  Guarding fixture;
  std::vector<void*> blocks = fixture.allocate_many(20, 100);

  EXPECT_EQ(std::count_if(blocks.begin(), blocks.end(),
                          [&](void* block) { return fixture.allocator.guarded().own(block); }),
            8);
  test::expect_amount(test::look(fixture.profiler).totals.live, 20, 2000);

  fixture.free_all(blocks);
  test::expect_amount(test::look(fixture.profiler).totals.live, 0, 0);
}

TEST(Guarding, SecondFreesAndWrongPointersAreTold) {
  Guarding fixture;
  auto* block = static_cast<std::byte*>(fixture.thread.allocate(100));
  fixture.thread.deallocate(block + 16);
  EXPECT_EQ(fixture.told, std::vector{MistakeKind::kInteriorFree});

  auto* other = static_cast<std::byte*>(fixture.thread.allocate(100));
  fixture.thread.deallocate(other);
  fixture.thread.deallocate(other);
  fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.told, (std::vector{MistakeKind::kInteriorFree, MistakeKind::kDoubleFree}));
}

TEST(Guarding, TheSizeOfAFreedBlockIsAMistake) {
  Guarding fixture;
  void* block = fixture.thread.allocate(100);
  fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.allocator.usable_bytes(block), 100U);

  EXPECT_EQ(fixture.told, std::vector{MistakeKind::kResizeOfFreed});
}

TEST(Guarding, WhatTheProfileHasNoRoomForIsNotGuarded) {
  test::Profiled fixture(1, test::kTiny);
  EXPECT_TRUE(fixture.allocator.guarded().begin(
      4000, 1,
      {nullptr, [](void*, std::uintptr_t*, std::size_t) noexcept { return std::size_t{0}; },
       [](void*, const GuardMistake&) noexcept {}}));
  std::vector<void*> blocks = fixture.allocate_many(3000, 100);
  EXPECT_GT(test::look(fixture.profiler).dropped, 0U);

  const auto guarded = std::count_if(blocks.begin(), blocks.end(), [&](void* block) {
    return fixture.allocator.guarded().own(block);
  });

  EXPECT_EQ(static_cast<std::uint64_t>(guarded), test::look(fixture.profiler).totals.live.samples);
  fixture.free_all(blocks);
  fixture.allocator.guarded().verify();
}

}  // namespace
}  // namespace luna
