// SPDX-License-Identifier: MIT
// The allocator as a whole: one thread, several threads, statistics and trim.
#include "heap/allocator.hpp"

#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::TestThread;

struct OneThread {
  ~OneThread() {
    if (thread.attached()) thread.heap().verify();
    allocator.pages().verify();
  }

  test::TestAllocator allocator;
  TestThread thread{allocator};
};

class AnySize : public testing::TestWithParam<std::size_t> {};

TEST_P(AnySize, HasRoomIsAlignedAndKeepsItsContents) {
  OneThread fixture;
  std::array<void*, 10> blocks;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = fixture.thread.allocate(GetParam());
    ASSERT_NE(blocks[i], nullptr);
    ASSERT_EQ(address_of(blocks[i]) % 16, 0U);
    ASSERT_GE(fixture.allocator.usable_bytes(blocks[i]), GetParam());
    test::write_pattern(blocks[i], fixture.allocator.usable_bytes(blocks[i]), i);
  }

  for (std::size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_TRUE(test::has_pattern(blocks[i], fixture.allocator.usable_bytes(blocks[i]), i));
    EXPECT_EQ(fixture.thread.deallocate(blocks[i]), Verdict::kDone);
  }
}

TEST_P(AnySize, IsZeroWhenAskedForAfterDirtyReuse) {
  OneThread fixture;
  std::array<void*, 4> dirty;
  for (void*& block : dirty) {
    block = fixture.thread.allocate(GetParam());
    std::memset(block, 0xd1, fixture.allocator.usable_bytes(block));
  }
  for (void* block : dirty) fixture.thread.deallocate(block);

  for (std::size_t i = 0; i < 6; ++i) {
    const void* block = fixture.thread.allocate_zeroed(GetParam());
    ASSERT_TRUE(test::is_zero(block, fixture.allocator.usable_bytes(block)));
  }
}

TEST_P(AnySize, HasTheAlignmentAskedFor) {
  OneThread fixture;
  for (std::size_t alignment = 1; alignment <= 4 * kRegionBytes; alignment *= 4) {
    void* block = fixture.thread.allocate_aligned(alignment, GetParam());
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(address_of(block) % alignment, 0U) << alignment;
    ASSERT_GE(fixture.allocator.usable_bytes(block), GetParam());
    test::write_pattern(block, GetParam(), alignment);
    ASSERT_EQ(fixture.thread.deallocate(block), Verdict::kDone);
  }
}

TEST_P(AnySize, IsFreedByAnotherThreadWithoutALoss) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  for (int i = 0; i < 50; ++i) {
    void* block = fixture.thread.allocate(GetParam());
    test::write_pattern(block, GetParam(), 1);
    other.deallocate(block);
  }
  other.trim();
  fixture.thread.trim();

  EXPECT_EQ(fixture.allocator.usage().small_blocks, 0U);
  EXPECT_EQ(fixture.allocator.usage().pages.used, 0U);
}

INSTANTIATE_TEST_SUITE_P(Allocator, AnySize,
                         testing::Values(0, 1, 16, 17, 128, 129, 1000, 4096, 16'383, 16'384, 16'385,
                                         20'000, 128 * 1024, 131'073, 1'000'000, kRegionBytes,
                                         kRegionBytes + 1, 5'000'000));

TEST(Allocator, ImpossibleSizesAreRefused) {
  OneThread fixture;

  EXPECT_EQ(fixture.thread.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(fixture.thread.allocate(std::size_t{PTRDIFF_MAX} + 1), nullptr);
  EXPECT_EQ(fixture.thread.allocate(PTRDIFF_MAX), nullptr);
  EXPECT_EQ(fixture.thread.allocate_zeroed(SIZE_MAX - 4096), nullptr);
  EXPECT_EQ(fixture.thread.allocate_aligned(std::size_t{1} << 63, 1), nullptr);
  EXPECT_EQ(fixture.thread.allocate_aligned(64, SIZE_MAX), nullptr);
}

TEST(Allocator, RefusalLeavesUsageAsItWas) {
  OneThread fixture;
  static_cast<void>(fixture.thread.allocate(100'000));
  const PageUsage before = fixture.allocator.usage().pages;
  static_cast<void>(fixture.thread.allocate(PTRDIFF_MAX));
  const PageUsage after = fixture.allocator.usage().pages;

  EXPECT_EQ(after.used, before.used);
  EXPECT_EQ(after.reserved, before.reserved);
}

TEST(Allocator, FreedSmallBlockIsUsedAgainSoon) {
  OneThread fixture;
  for (int i = 0; i < 100'000; ++i) fixture.thread.deallocate(fixture.thread.allocate(100));

  EXPECT_EQ(fixture.allocator.usage().pages.slabs, kGranuleBytes);
}

TEST(Allocator, UsageCountsLiveBlocks) {
  OneThread fixture;
  void* small = fixture.thread.allocate(100);
  void* large = fixture.thread.allocate(100'000);
  HeapUsage usage = fixture.allocator.usage();
  EXPECT_GE(usage.small_blocks, 1U);
  EXPECT_GE(usage.small_bytes, 100U);
  EXPECT_EQ(usage.pages.large_blocks, 1U);
  EXPECT_EQ(usage.pages.large_bytes, 25 * kPageBytes);
  EXPECT_EQ(usage.thread_heaps, 1U);
  EXPECT_EQ(usage.small_bytes + usage.slab_free_bytes, usage.pages.slabs);

  fixture.thread.deallocate(small);
  fixture.thread.deallocate(large);
  fixture.thread.trim();

  usage = fixture.allocator.usage();
  EXPECT_EQ(usage.small_blocks, 0U);
  EXPECT_EQ(usage.pages.large_blocks, 0U);
  EXPECT_EQ(usage.pages.used, 0U);
  EXPECT_EQ(usage.pages.dirty, 0U);
}

TEST(Allocator, TrimSaysHowMuchItGaveBack) {
  OneThread fixture;
  auto* block = static_cast<std::byte*>(fixture.thread.allocate(kRegionBytes));
  std::memset(block, 1, kRegionBytes);
  fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.thread.trim(), kRegionBytes);
  EXPECT_EQ(fixture.thread.trim(), 0U);
}

TEST(Allocator, TrimGivesFreePagesInsideSlabsBack) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  OneThread fixture;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 64; ++i) {
    blocks.push_back(fixture.thread.allocate(1024));
    std::memset(blocks.back(), 1, 1024);
  }
  for (std::size_t i = 1; i < blocks.size(); ++i) fixture.thread.deallocate(blocks[i]);

  EXPECT_GE(fixture.thread.trim(), 14 * kPageBytes);
  EXPECT_EQ(static_cast<std::byte*>(blocks[0])[1023], std::byte{1});
}

TEST(Allocator, BlocksOutliveATrim) {
  OneThread fixture;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 2000; ++i) {
    blocks.push_back(fixture.thread.allocate(i * 13 % 3000));
    test::write_pattern(blocks.back(), i * 13 % 3000, i);
  }
  for (std::size_t i = 0; i < blocks.size(); i += 2) fixture.thread.deallocate(blocks[i]);
  fixture.thread.trim();
  for (std::size_t i = 0; i < blocks.size(); i += 2) {
    blocks[i] = fixture.thread.allocate(i * 13 % 3000);
    test::write_pattern(blocks[i], i * 13 % 3000, i);
  }

  for (std::size_t i = 0; i < blocks.size(); ++i)
    EXPECT_TRUE(test::has_pattern(blocks[i], i * 13 % 3000, i)) << i;
}

TEST(Allocator, BlocksFreedElsewhereAreAllocatedAgain) {
  OneThread fixture;
  TestThread other(fixture.allocator);
  for (int round = 0; round < 50; ++round) {
    std::array<void*, 300> blocks;
    for (void*& block : blocks) block = fixture.thread.allocate(500);
    for (void* block : blocks) other.deallocate(block);
    other.publish();
  }

  EXPECT_LE(fixture.allocator.usage().pages.slabs, 8 * kGranuleBytes);
}

TEST(Allocator, DetachedThreadMayFree) {
  OneThread fixture;
  void* small = fixture.thread.allocate(100);
  void* large = fixture.thread.allocate(100'000);
  TestThread other(fixture.allocator);
  other.park();

  EXPECT_EQ(other.deallocate(small), Verdict::kDone);
  EXPECT_EQ(other.deallocate(large), Verdict::kDone);
  fixture.thread.trim();
  EXPECT_EQ(fixture.allocator.usage().pages.used, 0U);
}

TEST(Allocator, DecayGivesPagesBackWithoutATrim) {
  OneThread fixture;
  fixture.allocator.config().decay_ms = 40;
  void* block = fixture.thread.allocate(kRegionBytes);
  std::memset(block, 1, kRegionBytes);
  fixture.thread.deallocate(block);
  for (int i = 0; i < 400 && fixture.allocator.usage().pages.dirty >= kRegionBytes; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    for (int k = 0; k < 40; ++k) fixture.thread.heap().beat();
  }

  EXPECT_LT(fixture.allocator.usage().pages.dirty, kRegionBytes);
}

TEST(Allocator, RandomWorkOfThreeThreadsKeepsAllContents) {
  OneThread fixture;
  TestThread second(fixture.allocator);
  TestThread third(fixture.allocator);
  const std::array<TestThread*, 3> threads = {&fixture.thread, &second, &third};
  test::Random random(5);
  struct Live {
    void* block;
    std::size_t bytes;
    std::uint64_t mark;
  };
  std::vector<Live> live;
  for (std::uint64_t i = 0; i < 60'000; ++i) {
    TestThread& thread = *threads[random.below(3)];
    if (live.size() < 400 || (live.size() < 1500 && random.one_in(2))) {
      const std::size_t bytes = random.one_in(50) ? random.below(300'000) : random.below(2000);
      void* block = random.one_in(3) ? thread.allocate_zeroed(bytes) : thread.allocate(bytes);
      test::write_pattern(block, bytes, i);
      live.push_back({block, bytes, i});
    } else {
      std::swap(live[random.below(live.size())], live.back());
      ASSERT_TRUE(test::has_pattern(live.back().block, live.back().bytes, live.back().mark));
      thread.deallocate(live.back().block);
      live.pop_back();
    }
    if (random.one_in(5000)) thread.trim();
  }

  for (TestThread* thread : threads) thread->heap().verify();
  for (const Live& each : live) fixture.thread.deallocate(each.block);
  for (int i = 0; i < 2; ++i)
    for (TestThread* thread : threads) thread->trim();
  EXPECT_EQ(fixture.allocator.usage().pages.used, 0U);
}

}  // namespace
}  // namespace luna
