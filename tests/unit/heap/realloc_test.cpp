// SPDX-License-Identifier: MIT
// Changing a block's size: in place, by moving pages, or by copying.
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <array>

namespace luna {
namespace {

using test::has_pattern;
using test::has_pattern_prefix;
using test::TestThread;
using test::write_pattern;

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

struct OneThread {
  [[nodiscard]] void* resize(void* block, std::size_t bytes) {
    return allocator.fits(block, bytes) ? block : allocator.resize(&thread.heap(), block, bytes);
  }

  test::TestAllocator allocator;
  TestThread thread{allocator};
};

TEST(Resize, SmallBlockStaysWhereItFits) {
  OneThread fixture;
  void* block = fixture.thread.allocate(1000);

  EXPECT_EQ(fixture.resize(block, 1024), block);
  EXPECT_EQ(fixture.resize(block, 700), block);
}

TEST(Resize, SmallBlockIsCopiedWhereItDoesNotFit) {
  OneThread fixture;
  void* block = fixture.thread.allocate(1000);

  EXPECT_EQ(fixture.resize(block, 1025), nullptr);
}

TEST(Resize, SmallBlockThatWouldLieIdleIsCopied) {
  OneThread fixture;
  void* block = fixture.thread.allocate(1000);

  EXPECT_EQ(fixture.resize(block, 100), nullptr);
}

TEST(Resize, TinyBlockIsNeverCopiedToShrink) {
  OneThread fixture;
  void* block = fixture.thread.allocate(64);

  EXPECT_EQ(fixture.resize(block, 1), block);
}

TEST(Resize, RunStaysWithinItsPages) {
  OneThread fixture;
  void* block = fixture.thread.allocate(100'000);

  EXPECT_EQ(fixture.resize(block, 25 * kPageBytes), block);
  EXPECT_EQ(fixture.resize(block, 24 * kPageBytes + 1), block);
}

TEST(Resize, RunShrinksInPlace) {
  OneThread fixture;
  void* block = fixture.thread.allocate(100'000);

  EXPECT_EQ(fixture.resize(block, 50'000), block);
  EXPECT_EQ(fixture.allocator.usable_bytes(block), 13 * kPageBytes);
}

TEST(Resize, RunThatBecomesSmallIsCopied) {
  OneThread fixture;
  void* block = fixture.thread.allocate(100'000);

  EXPECT_EQ(fixture.resize(block, kMaxSmallBytes), nullptr);
}

TEST(Resize, ImpossibleSizeChangesNothing) {
  OneThread fixture;
  void* block = fixture.thread.allocate(5 * kMebibyte);
  write_pattern(block, 5 * kMebibyte, 1);

  EXPECT_EQ(fixture.thread.reallocate(block, PTRDIFF_MAX), nullptr);
  EXPECT_EQ(fixture.thread.reallocate(block, SIZE_MAX), nullptr);
  EXPECT_TRUE(has_pattern(block, 5 * kMebibyte, 1));
}

TEST(Resize, HugeBlockKeepsItsContentsAndItsNeighboursWhenItShrinks) {
  OneThread fixture;
  void* huge = fixture.thread.allocate(1030 * kMebibyte);
  write_pattern(huge, 4096, 1);
  void* place = fixture.thread.allocate(8 * kMebibyte);
  void* next = fixture.thread.allocate(8 * kMebibyte);
  write_pattern(next, 8 * kMebibyte, 2);
  fixture.thread.deallocate(place);

  void* shrunk = fixture.thread.reallocate(huge, 8 * kMebibyte);

  EXPECT_TRUE(has_pattern(next, 8 * kMebibyte, 2));
  EXPECT_TRUE(has_pattern(shrunk, 4096, 1));
}

TEST(Resize, BlockKeepsItsContentsWhenItGrowsHuge) {
  OneThread fixture;
  void* block = fixture.thread.allocate(8 * kMebibyte);
  write_pattern(block, 8 * kMebibyte, 1);
  static_cast<void>(fixture.thread.allocate(8 * kMebibyte));

  void* huge = fixture.thread.reallocate(block, 1030 * kMebibyte);

  EXPECT_TRUE(has_pattern(huge, 8 * kMebibyte, 1));
  EXPECT_EQ(fixture.allocator.usage().pages.large_blocks, 2U);
}

TEST(Resize, LargeBlockMovesItsPagesPastANeighbour) {
  OneThread fixture;
  void* block = fixture.thread.allocate(8 * kMebibyte);
  write_pattern(block, 8 * kMebibyte, 1);
  void* neighbour = fixture.thread.allocate(8 * kMebibyte);

  void* moved = fixture.resize(block, 12 * kMebibyte);

  if (!test::kernel_pages_are_ours()) {
    EXPECT_EQ(moved, nullptr);
    EXPECT_TRUE(has_pattern(block, 8 * kMebibyte, 1));
    GTEST_SKIP() << test::kLargerPages;
  }
  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, block);
  EXPECT_TRUE(has_pattern(moved, 8 * kMebibyte, 1));
  EXPECT_EQ(fixture.thread.deallocate(neighbour), Verdict::kDone);
}

class Growth : public testing::TestWithParam<std::size_t> {};

TEST_P(Growth, KeepsTheContentsFromStepToStep) {
  OneThread fixture;
  std::size_t bytes = 10;
  void* block = fixture.thread.allocate(bytes);
  write_pattern(block, bytes, 1);
  for (std::uint64_t mark = 2; bytes < 20 * kMebibyte; ++mark) {
    const std::size_t wanted = bytes + bytes * GetParam() / 100 + 16;
    block = fixture.thread.reallocate(block, wanted);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(has_pattern_prefix(block, bytes, bytes, mark - 1)) << bytes;
    bytes = wanted;
    write_pattern(block, bytes, mark);
    if (mark % 3 == 0) static_cast<void>(fixture.thread.allocate(bytes));
  }

  fixture.allocator.pages().verify();
}

INSTANTIATE_TEST_SUITE_P(Percent, Growth, testing::Values(12, 50, 100));

TEST(Resize, RandomResizingOfManyBlocksKeepsAllContents) {
  OneThread fixture;
  test::Random random(11);
  struct Live {
    void* block;
    std::size_t bytes;
    std::uint64_t mark;
  };
  std::array<Live, 60> live{};
  for (Live& each : live) each.block = fixture.thread.allocate(0);
  for (std::uint64_t i = 1; i < 6000; ++i) {
    Live& each = live[random.below(live.size())];
    const std::size_t limit = std::size_t{16} << random.below(20);
    const std::size_t wanted = 1 + random.below(limit);
    each.block = fixture.thread.reallocate(each.block, wanted);
    ASSERT_NE(each.block, nullptr);
    const std::size_t kept = wanted < each.bytes ? wanted : each.bytes;
    ASSERT_TRUE(has_pattern_prefix(each.block, kept, each.bytes, each.mark)) << i;
    each.bytes = wanted;
    each.mark = i;
    write_pattern(each.block, each.bytes, each.mark);
  }

  for (const Live& each : live) fixture.thread.deallocate(each.block);
  fixture.thread.trim();
  EXPECT_EQ(fixture.allocator.usage().pages.used, 0U);
}

}  // namespace
}  // namespace luna
