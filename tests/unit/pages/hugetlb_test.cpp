// SPDX-License-Identifier: MIT
// Memory of the kernel's pool of huge pages, which cannot be given back in parts; and
// what happens when the pool has none, or no more.
#include "support/huge_memory.hpp"
#include "support/kernel_mappings.hpp"
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace luna {
namespace {

using test::has_pattern;
using test::HugePagePool;
using test::is_zero;
using test::make_dirty;
using test::TestPages;
using test::write_pattern;

constexpr std::size_t kRegion = kPagesPerRegion;
constexpr std::uint64_t kDecayMs = 1000;
constexpr std::size_t kGiB = std::size_t{1} << 30;

// A heap on a pool with `free` pages of 2 MiB.
struct Pooled {
  explicit Pooled(std::size_t free) : pool(kRegionBytes, free) {
    heap().set_hugetlb(Hugetlb::k2MiB);
  }

  [[nodiscard]] PageHeap& heap() { return pages.heap; }

  [[nodiscard]] bool is_of_pool(const std::byte* memory) const {
    return pages.window.region_of(memory)->hugetlb;
  }

  void tick_for(std::uint64_t ms) {
    for (std::uint64_t now = 100'000; now < 100'000 + ms; now += 10) heap().tick(now, kDecayMs);
  }

  HugePagePool pool;  // is as it was only after the heap is gone
  TestPages pages;
};

#define SKIP_WITHOUT(pool) \
  if (!(pool).is_as_wanted()) GTEST_SKIP() << (pool).reason()

[[nodiscard]] std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Hugetlb, EmptyPoolIsSaidOnceAndPlainPagesServe) {
  Pooled fixture(0);
  SKIP_WITHOUT(fixture.pool);
  testing::internal::CaptureStderr();

  std::byte* run = fixture.pages.take(kRegion);
  std::byte* span = fixture.pages.take(40 * kRegion);

  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.rfind("lunalloc: hugetlb:2m: ", 0), 0U) << said;
  EXPECT_EQ(count_lines(said), 1U) << said;
  EXPECT_FALSE(fixture.is_of_pool(run));
  EXPECT_FALSE(fixture.is_of_pool(span));
  write_pattern(run, kRegionBytes, 1);
  write_pattern(span, 40 * kRegionBytes, 2);
  EXPECT_TRUE(has_pattern(run, kRegionBytes, 1));
}

TEST(Hugetlb, EmptyPoolOfPagesOf1GiBIsSaidOnceToo) {
  const HugePagePool pool(kGiB, 0);
  SKIP_WITHOUT(pool);
  TestPages pages;
  pages.heap.set_hugetlb(Hugetlb::k1GiB);
  testing::internal::CaptureStderr();

  std::byte* run = pages.take(kRegion);
  std::byte* span = pages.take(500 * kRegion);
  std::byte* other = pages.take(500 * kRegion);

  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.rfind("lunalloc: hugetlb:1g: ", 0), 0U) << said;
  EXPECT_EQ(count_lines(said), 1U) << said;
  for (std::byte* memory : {run, span, other}) {
    ASSERT_NE(memory, nullptr);
    EXPECT_FALSE(pages.window.region_of(memory)->hugetlb);
    write_pattern(memory, kRegionBytes, 1);
  }
}

TEST(Hugetlb, RegionsAreOfThePoolWhileItLasts) {
  Pooled fixture(3);
  SKIP_WITHOUT(fixture.pool);
  const std::size_t before = fixture.pool.free_pages();
  testing::internal::CaptureStderr();
  std::vector<std::byte*> runs;
  while (runs.size() < before) runs.push_back(fixture.pages.take(kRegion));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(fixture.pool.free_pages(), 0U);

  testing::internal::CaptureStderr();
  std::byte* plain = fixture.pages.take(kRegion);
  std::byte* other = fixture.pages.take(kRegion);

  EXPECT_EQ(count_lines(testing::internal::GetCapturedStderr()), 1U);
  for (std::byte* run : runs) {
    EXPECT_TRUE(fixture.is_of_pool(run));
    EXPECT_TRUE(test::kernel_mapping_of(run).is_of_pool());
    EXPECT_TRUE(is_zero(run, kRegionBytes));
    write_pattern(run, kRegionBytes, address_of(run));
  }
  for (std::byte* run : {plain, other}) {
    EXPECT_FALSE(fixture.is_of_pool(run));
    EXPECT_FALSE(test::kernel_mapping_of(run).is_of_pool());
    write_pattern(run, kRegionBytes, 1);
  }
  for (std::byte* run : runs) EXPECT_TRUE(has_pattern(run, kRegionBytes, address_of(run)));
}

// The dangerous one: the kernel rounds what it is asked to give back of such memory, and
// says that all went well.
struct HalfFreed : Pooled {
  HalfFreed() : Pooled(1) {
    make_dirty(first, kRegion / 2);
    write_pattern(second, kRegionBytes / 2, 2);
    heap().put(first);
  }

  void expect_zeroed_run_over_the_freed_half() {
    const std::byte* again = pages.take_zeroed(kRegion / 2);
    EXPECT_EQ(again, first);
    EXPECT_TRUE(is_zero(again, kRegionBytes / 2));
    EXPECT_TRUE(has_pattern(second, kRegionBytes / 2, 2));
  }

  std::byte* first = pages.take(kRegion / 2);
  std::byte* second = pages.take(kRegion / 2);
};

TEST(Hugetlb, ZeroedRunOverFreedPagesIsZeroAfterTheSweep) {
  HalfFreed fixture;
  SKIP_WITHOUT(fixture.pool);
  ASSERT_TRUE(fixture.is_of_pool(fixture.first));

  fixture.tick_for(10 * kDecayMs);

  fixture.expect_zeroed_run_over_the_freed_half();
}

TEST(Hugetlb, ZeroedRunOverFreedPagesIsZeroAfterTrim) {
  HalfFreed fixture;
  SKIP_WITHOUT(fixture.pool);
  ASSERT_TRUE(fixture.is_of_pool(fixture.first));

  EXPECT_EQ(fixture.heap().trim(0), 0U);

  fixture.expect_zeroed_run_over_the_freed_half();
}

TEST(Hugetlb, FreeRegionIsKept) {
  Pooled fixture(1);
  SKIP_WITHOUT(fixture.pool);
  std::byte* run = fixture.pages.take(kRegion);
  make_dirty(run, kRegion);
  const std::size_t free = fixture.pool.free_pages();
  fixture.heap().put(run);

  EXPECT_EQ(fixture.heap().trim(0), 0U);
  fixture.tick_for(10 * kDecayMs);

  EXPECT_EQ(fixture.pool.free_pages(), free);
  EXPECT_EQ(run[kRegionBytes - 1], std::byte{0xd1});
  EXPECT_EQ(fixture.pages.take_zeroed(kRegion), run);
  EXPECT_TRUE(is_zero(run, kRegionBytes));
}

TEST(Hugetlb, FreeMemoryOfThePoolIsNoReasonToPurgeOther) {
  Pooled fixture(2);
  SKIP_WITHOUT(fixture.pool);
  while (fixture.pool.free_pages() != 0) make_dirty(fixture.pages.take(kRegion), kRegion);
  testing::internal::CaptureStderr();
  std::byte* plain = fixture.pages.take(kRegion);
  static_cast<void>(testing::internal::GetCapturedStderr());
  make_dirty(plain, kRegion);
  fixture.heap().put(plain);

  EXPECT_EQ(fixture.heap().trim(0), kRegionBytes);
}

TEST(Hugetlb, SpanGrowsAndShrinksWhereItLies) {
  Pooled fixture(4);
  SKIP_WITHOUT(fixture.pool);
  constexpr std::size_t kPages = kRegion + 100;
  std::byte* span = fixture.pages.take(kPages);
  write_pattern(span, kPages * kPageBytes, 5);

  ASSERT_TRUE(fixture.heap().resize(span, 3 * kRegion + 7));
  EXPECT_TRUE(test::has_pattern_prefix(span, kPages * kPageBytes, kPages * kPageBytes, 5));
  EXPECT_TRUE(fixture.is_of_pool(span + 3 * kRegionBytes));
  write_pattern(span, (3 * kRegion + 7) * kPageBytes, 6);
  ASSERT_TRUE(fixture.heap().resize(span, kPages));

  EXPECT_TRUE(
      test::has_pattern_prefix(span, kPages * kPageBytes, (3 * kRegion + 7) * kPageBytes, 6));
  EXPECT_EQ(fixture.heap().trim(0), 0U);
  std::byte* rest = fixture.pages.take_zeroed(2 * kRegion);
  EXPECT_TRUE(fixture.is_of_pool(rest));
  EXPECT_TRUE(is_zero(rest, 2 * kRegionBytes));
}

TEST(Hugetlb, SpanOfThePoolIsNotMoved) {
  Pooled fixture(6);
  SKIP_WITHOUT(fixture.pool);
  constexpr std::size_t kPages = 2 * kRegion;
  std::byte* span = fixture.pages.take(kPages);
  write_pattern(span, kPages * kPageBytes, 5);

  EXPECT_EQ(fixture.heap().move(span, kPages + 10, fixture.heap()), nullptr);

  EXPECT_TRUE(has_pattern(span, kPages * kPageBytes, 5));
}

TEST(Hugetlb, PlainSpanIsNotMovedIntoThePool) {
  Pooled fixture(4);
  SKIP_WITHOUT(fixture.pool);
  std::byte* pooled = fixture.pages.take(fixture.pool.free_pages() * kRegion);
  testing::internal::CaptureStderr();
  std::byte* rest = fixture.pages.take(kRegion);
  static_cast<void>(testing::internal::GetCapturedStderr());
  Arena* arena = fixture.pages.window.region_of(rest)->arena;
  while (fixture.pages.window.region_of(rest)->arena == arena) rest = fixture.pages.take(kRegion);
  std::byte* span = fixture.pages.take(2 * kRegion);
  write_pattern(span, 2 * kRegionBytes, 7);
  fixture.heap().put(pooled);

  auto* moved = static_cast<std::byte*>(fixture.heap().move(span, 3 * kRegion, fixture.heap()));

  const std::byte* now = moved != nullptr ? moved : span;
  EXPECT_TRUE(has_pattern(now, 2 * kRegionBytes, 7));
  EXPECT_EQ(fixture.is_of_pool(now), test::kernel_mapping_of(now).is_of_pool());
}

TEST(Hugetlb, ZeroedSpanOverOneOfWhichTheEndWasTouchedIsZero) {
  Pooled fixture(5);
  SKIP_WITHOUT(fixture.pool);
  constexpr std::size_t kPages = 4 * kRegion + 9;
  std::byte* span = fixture.pages.take(kPages);
  ASSERT_TRUE(fixture.is_of_pool(span + 4 * kRegionBytes));
  make_dirty(span + 4 * kRegionBytes, 9);
  fixture.heap().put(span);

  EXPECT_EQ(fixture.pages.take_zeroed(kPages), span);

  EXPECT_TRUE(is_zero(span, kPages * kPageBytes));
}

TEST(Hugetlb, NobodyWaitsForFreeMemoryOfThePoolToGoBack) {
  Pooled fixture(5);
  SKIP_WITHOUT(fixture.pool);
  std::byte* span = fixture.pages.take(5 * kRegion);
  make_dirty(span, 5 * kRegion);
  fixture.heap().put(span);

  fixture.heap().expect_quiet();

  EXPECT_FALSE(fixture.heap().is_quiet());
}

TEST(Hugetlb, ArenaIsOnePageOf1GiB) {
  const HugePagePool pool(kGiB, 1);
  SKIP_WITHOUT(pool);
  TestPages pages;
  pages.heap.set_hugetlb(Hugetlb::k1GiB);

  std::byte* run = pages.take(kRegion / 2);
  std::byte* span = pages.take(2 * kRegion);

  EXPECT_TRUE(pages.window.region_of(run)->hugetlb);
  EXPECT_TRUE(pages.window.region_of(span)->hugetlb);
  EXPECT_EQ(test::kernel_mapping_of(run).page_kib, kGiB / 1024);
  make_dirty(run, kRegion / 2);
  write_pattern(span, 2 * kRegionBytes, 2);
  pages.heap.put(run);
  EXPECT_EQ(pages.heap.trim(0), 0U);
  EXPECT_TRUE(is_zero(pages.take_zeroed(kRegion / 2), kRegionBytes / 2));
  EXPECT_TRUE(has_pattern(span, 2 * kRegionBytes, 2));
}

}  // namespace
}  // namespace luna
