// SPDX-License-Identifier: MIT
// The mistakes a program can make with a pointer, each reported by its name.
#include "heap/block_lookup.hpp"

#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

constexpr std::size_t kLarge = 20 * kPageBytes;
constexpr std::size_t kCachedRun = 5 * kPageBytes;
constexpr std::size_t kSpan = kRegionBytes + kLarge;
constexpr std::size_t kHuge = kMaxArenaRegions * kRegionBytes + 1;

// Two threads; `block` is the first one's.
struct Mistake {
  explicit Mistake(std::size_t bytes) : block(static_cast<std::byte*>(thread.allocate(bytes))) {}

  test::TestAllocator allocator;
  test::TestThread thread{allocator};
  test::TestThread other{allocator};
  std::byte* block;
};

[[nodiscard]] std::string interior(std::size_t offset) {
  return "free of interior pointer 0x[0-9a-f]+: it lies " + std::to_string(offset) +
         " bytes behind";
}

TEST(DoubleFreeDeathTest, OfASmallBlockInARow) {
  Mistake mistake(100);
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(mistake.thread.deallocate(mistake.block), "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfASmallBlockByTheOtherThreadTwice) {
  Mistake mistake(100);
  static_cast<void>(mistake.other.allocate(100));  // its first slow path, which publishes
  mistake.other.deallocate(mistake.block);

  EXPECT_DEATH(mistake.other.deallocate(mistake.block), "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfASmallBlockThatTheOtherThreadPublished) {
  Mistake mistake(100);
  mistake.other.deallocate(mistake.block);
  mistake.other.publish();

  EXPECT_DEATH(
      {
        mistake.other.deallocate(mistake.block);
        mistake.other.publish();
      },
      "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfASmallBlockByTwoOtherThreads) {
  Mistake mistake(100);
  test::TestThread third(mistake.allocator);
  mistake.other.deallocate(mistake.block);
  mistake.other.publish();

  EXPECT_DEATH(
      {
        third.deallocate(mistake.block);
        third.publish();
      },
      "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfASmallBlockHereAndElsewhereIsFoundByTrim) {
  Mistake mistake(100);
  static_cast<void>(mistake.thread.allocate(100));
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(
      {
        mistake.other.deallocate(mistake.block);
        mistake.other.publish();
        mistake.thread.trim();
      },
      "lunalloc: double free");
}

TEST(DoubleFreeDeathTest, OfACachedRun) {
  Mistake mistake(kCachedRun);
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(mistake.thread.deallocate(mistake.block), "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfACachedRunByTheOtherThread) {
  Mistake mistake(kCachedRun);
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(mistake.other.deallocate(mistake.block), "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfARunThatWentBack) {
  Mistake mistake(kLarge);
  mistake.thread.deallocate(mistake.block);
  mistake.thread.trim();

  EXPECT_DEATH(mistake.thread.deallocate(mistake.block), "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfASpan) {
  Mistake mistake(kSpan);
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(mistake.thread.deallocate(mistake.block), "lunalloc: double free of 0x");
}

TEST(DoubleFreeDeathTest, OfAHugeBlock) {
  Mistake mistake(kHuge);
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(mistake.thread.deallocate(mistake.block), "lunalloc: double free of 0x");
}

struct Offset {
  std::size_t bytes;   // of the block
  std::size_t offset;  // into it
};

class Misaligned : public testing::TestWithParam<Offset> {};

TEST_P(Misaligned, PointerIsReported) {
  Mistake mistake(GetParam().bytes);
  std::byte* pointer = mistake.block + GetParam().offset;

  EXPECT_DEATH(mistake.thread.deallocate(pointer), "lunalloc: free of misaligned pointer 0x");
  EXPECT_DEATH(mistake.other.deallocate(pointer), "lunalloc: free of misaligned pointer 0x");
}

INSTANTIATE_TEST_SUITE_P(BlockLookupDeathTest, Misaligned,
                         testing::Values(Offset{100, 1}, Offset{100, 8}, Offset{kLarge, 1},
                                         Offset{kLarge, kPageBytes + 8}, Offset{kSpan, 1},
                                         Offset{kSpan, kRegionBytes + 8}, Offset{kHuge, 8},
                                         Offset{kHuge, kHuge - 5}));

class Interior : public testing::TestWithParam<Offset> {};

TEST_P(Interior, PointerIsReportedWithItsOffset) {
  Mistake mistake(GetParam().bytes);
  std::byte* pointer = mistake.block + GetParam().offset;

  EXPECT_DEATH(mistake.other.deallocate(pointer), interior(GetParam().offset));
}

INSTANTIATE_TEST_SUITE_P(
    BlockLookupDeathTest, Interior,
    testing::Values(Offset{100, 16}, Offset{100, 96}, Offset{16 * 1024, 16 * 1024 - 16},
                    Offset{kLarge, 16}, Offset{kLarge, kPageBytes}, Offset{kLarge, kLarge - 16},
                    Offset{kSpan, 16}, Offset{kSpan, kPageBytes}, Offset{kSpan, kRegionBytes},
                    Offset{kSpan, kRegionBytes + 5 * kPageBytes},
                    Offset{2 * kRegionBytes, kRegionBytes}, Offset{kHuge, kPageBytes},
                    Offset{kHuge, kHuge - kHuge % 16}));

TEST(BlockLookupDeathTest, InteriorPointerBySameThreadIsFoundAtTheLatestByTrim) {
  Mistake mistake(100);
  static_cast<void>(mistake.thread.allocate(100));
  static_cast<void>(mistake.thread.allocate(100));

  EXPECT_DEATH(
      {
        mistake.thread.deallocate(mistake.block + 16);
        mistake.thread.trim();
      },
      "lunalloc: .*interior pointer");
}

TEST(BlockLookupDeathTest, BehindTheLastBlockOfASlabIsAnInteriorPointer) {
  Mistake mistake(16 * 1024 / 9 * 8);
  const std::size_t room = mistake.allocator.usable_bytes(mistake.block);
  std::byte* behind = mistake.block + kGranuleBytes / room * room;

  EXPECT_DEATH(mistake.other.deallocate(behind), "lunalloc: free of interior pointer 0x");
}

TEST(BlockLookupDeathTest, ReallocOfAFreedRunIsReported) {
  Mistake mistake(kCachedRun);
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(static_cast<void>(mistake.thread.reallocate(mistake.block, kLarge)),
               "lunalloc: realloc of a freed block 0x");
}

TEST(BlockLookupDeathTest, SizeOfAFreedSpanIsReported) {
  Mistake mistake(kSpan);
  mistake.thread.deallocate(mistake.block);

  EXPECT_DEATH(static_cast<void>(mistake.allocator.usable_bytes(mistake.block)),
               "lunalloc: realloc of a freed block 0x");
}

TEST(BlockLookup, ForeignPointersAreHandedBack) {
  Mistake mistake(100);
  Block on_the_stack{};

  EXPECT_EQ(mistake.thread.deallocate(&on_the_stack), Verdict::kForeign);
  EXPECT_EQ(mistake.thread.deallocate(reinterpret_cast<void*>(~std::uintptr_t{0})),
            Verdict::kForeign);
  EXPECT_EQ(mistake.allocator.usable_bytes(&on_the_stack), 0U);
}

TEST(BlockLookup, CountsThePagesOfARun) {
  Mistake mistake(kLarge);
  const Region* region = mistake.allocator.window().region_of(mistake.block);

  EXPECT_EQ(pages_of_block(*region, mistake.block, Request::kFree), kLarge / kPageBytes);
}

TEST(BlockLookup, TellsTheRunFreedLast) {
  Mistake mistake(kLarge);
  for (int i = 0; i < 2; ++i) {  // the first time is for its list to learn
    mistake.thread.deallocate(mistake.block);
    mistake.block = static_cast<std::byte*>(mistake.thread.allocate(kLarge));
  }
  const auto& slot = *reinterpret_cast<Slab*>(mistake.allocator.window().slot_of(mistake.block));
  EXPECT_FALSE(is_freed_run(slot, mistake.block));
  mistake.thread.deallocate(mistake.block);

  EXPECT_TRUE(is_freed_run(slot, mistake.block));
}

}  // namespace
}  // namespace luna
