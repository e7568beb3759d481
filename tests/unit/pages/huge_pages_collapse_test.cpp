// SPDX-License-Identifier: MIT
// Regions that filled up without huge pages are gathered into them later; which ones,
// and what they hold then. What is done to them meanwhile: huge_pages_threads_test.cpp.
#include "support/huge_memory.hpp"
#include "support/kernel_mappings.hpp"
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

using test::has_pattern;
using test::is_zero;
using test::TestPages;
using test::write_pattern;

constexpr std::size_t kRegion = kPagesPerRegion;
constexpr std::uint64_t kDecayMs = 1000;

// Enough for some collapses, after each of which the pass rests, even if each takes long.
constexpr std::uint64_t kLongMs = 100 * kDecayMs;

// The heap is below its threshold of 8 MiB until passes() is called, which exceeds it and
// lets as much time pass as a collapse pass may take.
struct Collapsing : TestPages {
  Collapsing() { heap.set_huge_threshold(8); }

  [[nodiscard]] std::byte* take_written(std::size_t pages) {
    std::byte* memory = take(pages);
    write_pattern(memory, pages * kPageBytes, pages);
    return memory;
  }

  [[nodiscard]] static bool is_kept(const std::byte* memory, std::size_t pages) {
    return has_pattern(memory, pages * kPageBytes, pages);
  }

  [[nodiscard]] Region& region_of(const std::byte* memory) const {
    return *window.region_of(memory);
  }

  [[nodiscard]] bool is_huge(const std::byte* memory) const { return region_of(memory).huge; }

  // The kernel's pages that back a region.
  [[nodiscard]] static std::size_t backed_pages(const std::byte* region) {
    std::vector<unsigned char> backed(kRegion);
    if (!os::find_resident(region, kRegionBytes, backed.data())) return 0;
    std::size_t result = 0;
    for (const unsigned char byte : backed) result += byte & 1U;
    return result;
  }

  void tick_for(std::uint64_t ms) {
    for (const std::uint64_t end = now_ms + ms; now_ms < end; now_ms += 10)
      heap.tick(now_ms, kDecayMs);
  }

  // False: the kernel gives no huge pages.
  [[nodiscard]] bool passes() {
    if (!test::kernel_collapses()) return false;
    for (int i = 0; i < 4; ++i) filling.push_back(take_written(kRegion));
    fresh = take_written(kRegion);
    if (!is_huge(fresh)) return false;
    tick_for(kLongMs);
    return true;
  }

  std::vector<std::byte*> filling;
  std::byte* fresh = nullptr;
  std::uint64_t now_ms = 100'000;
};

#define SKIP_UNLESS_IT_PASSES(fixture) \
  if (!(fixture).passes())             \
  GTEST_SKIP() << "the kernel gives no huge pages (transparent_hugepage/enabled), or no later"

TEST(HugePagesCollapse, RegionsThatFilledUpBeforeTheThreshold) {
  Collapsing fixture;
  std::byte* first = fixture.take_written(kRegion / 2);
  std::byte* second = fixture.take_written(kRegion / 2);
  ASSERT_EQ(second, first + kRegionBytes / 2);
  ASSERT_FALSE(fixture.is_huge(first));
  SKIP_UNLESS_IT_PASSES(fixture);

  EXPECT_TRUE(fixture.is_huge(first));
  for (const std::byte* region : fixture.filling) {
    EXPECT_TRUE(fixture.is_huge(region));
    EXPECT_TRUE(fixture.is_kept(region, kRegion));
  }
  EXPECT_TRUE(fixture.is_kept(first, kRegion / 2));
  EXPECT_TRUE(fixture.is_kept(second, kRegion / 2));
  EXPECT_EQ(test::kernel_mapping_of(first).huge_kib, 6 * kRegionBytes / 1024);
}

TEST(HugePagesCollapse, RegionWithAFewFreePagesIsBackedAsAWhole) {
  Collapsing fixture;
  std::byte* run = fixture.take_written(kRegion - 4);
  const std::byte* rest = run + (kRegion - 4) * kPageBytes;
  ASSERT_EQ(fixture.backed_pages(run), kRegion - 4);
  SKIP_UNLESS_IT_PASSES(fixture);

  EXPECT_TRUE(fixture.is_huge(run));
  EXPECT_TRUE(fixture.is_kept(run, kRegion - 4));
  EXPECT_EQ(fixture.backed_pages(run), kRegion);
  EXPECT_EQ(fixture.heap.usage().dirty, 4 * kPageBytes);
  EXPECT_EQ(fixture.take_zeroed(4), rest);
  EXPECT_TRUE(is_zero(rest, 4 * kPageBytes));
}

TEST(HugePagesCollapse, FreePagesOfACollapsedRegionGoBackWithTrim) {
  Collapsing fixture;
  std::byte* run = fixture.take_written(kRegion - 4);
  SKIP_UNLESS_IT_PASSES(fixture);

  EXPECT_EQ(fixture.heap.trim(0), 4 * kPageBytes);

  EXPECT_FALSE(fixture.is_huge(run));
  EXPECT_FALSE(test::kernel_mapping_of(run).is_advised());
  EXPECT_EQ(fixture.backed_pages(run), kRegion - 4);
  EXPECT_TRUE(fixture.is_kept(run, kRegion - 4));
}

TEST(HugePagesCollapse, DirtyPagesOfACollapsedRegionAreZeroWhenAskedFor) {
  Collapsing fixture;
  std::byte* first = fixture.take_written(kRegion / 2);
  std::byte* second = fixture.take_written(kRegion / 2);
  SKIP_UNLESS_IT_PASSES(fixture);
  ASSERT_TRUE(fixture.is_huge(first));
  fixture.heap.put(second);

  ASSERT_EQ(fixture.take_zeroed(kRegion / 2), second);

  EXPECT_TRUE(is_zero(second, kRegion / 2 * kPageBytes));
  EXPECT_TRUE(fixture.is_kept(first, kRegion / 2));
}

TEST(HugePagesCollapse, NoneOfWhichHalfIsFree) {
  Collapsing fixture;
  std::byte* first = fixture.take_written(kRegion / 2);
  std::byte* second = fixture.take_written(kRegion / 2);
  fixture.heap.put(second);
  for (int i = 0; i < 4; ++i) fixture.filling.push_back(fixture.take_written(kRegion));
  SKIP_UNLESS_IT_PASSES(fixture);

  EXPECT_FALSE(fixture.is_huge(first));
  EXPECT_TRUE(fixture.is_huge(fixture.filling[0]));
  EXPECT_TRUE(fixture.is_kept(first, kRegion / 2));
}

TEST(HugePagesCollapse, NoneOfWhichHalfIsBacked) {
  Collapsing fixture;
  std::byte* run = fixture.take(kRegion);
  write_pattern(run, kRegionBytes / 2, 1);
  SKIP_UNLESS_IT_PASSES(fixture);

  EXPECT_FALSE(fixture.is_huge(run));
  EXPECT_EQ(fixture.backed_pages(run), kRegion / 2);
  EXPECT_TRUE(has_pattern(run, kRegionBytes / 2, 1));
}

TEST(HugePagesCollapse, SpansThatWereWritten) {
  Collapsing fixture;
  constexpr std::size_t kPages = 3 * kRegion + kRegion / 4;
  std::byte* span = fixture.take_written(kPages);
  SKIP_UNLESS_IT_PASSES(fixture);

  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(fixture.is_huge(span + i * kRegionBytes));
  EXPECT_TRUE(fixture.is_kept(span, kPages));
  if (!fixture.is_huge(span + 3 * kRegionBytes)) {
    EXPECT_LT(fixture.backed_pages(span + 3 * kRegionBytes), kRegion);
  }
}

TEST(HugePagesCollapse, OfASpanTheRegionsThatWereWrittenOnly) {
  Collapsing fixture;
  std::byte* span = fixture.take(3 * kRegion);
  write_pattern(span, kRegionBytes, 1);
  write_pattern(span + 2 * kRegionBytes, kRegionBytes, 2);
  SKIP_UNLESS_IT_PASSES(fixture);

  EXPECT_TRUE(fixture.is_huge(span));
  EXPECT_FALSE(fixture.is_huge(span + kRegionBytes));
  EXPECT_TRUE(fixture.is_huge(span + 2 * kRegionBytes));
  EXPECT_EQ(fixture.backed_pages(span + kRegionBytes), 0U);
  EXPECT_TRUE(has_pattern(span, kRegionBytes, 1));
  EXPECT_TRUE(has_pattern(span + 2 * kRegionBytes, kRegionBytes, 2));
}

TEST(HugePagesCollapse, NoneOfASpanThatWasMoved) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  Collapsing fixture;
  constexpr std::size_t kPages = 2 * kRegion;
  auto* span = static_cast<std::byte*>(
      fixture.heap.move(fixture.take_written(kPages), kPages, fixture.heap));
  ASSERT_NE(span, nullptr);
  SKIP_UNLESS_IT_PASSES(fixture);

  EXPECT_FALSE(fixture.is_huge(span));
  EXPECT_FALSE(fixture.is_huge(span + kRegionBytes));
  EXPECT_TRUE(fixture.is_kept(span, kPages));
}

TEST(HugePagesCollapse, SpanThatWasCollapsedInPartKeepsItsContentsWhenMoved) {
  Collapsing fixture;
  constexpr std::size_t kPages = 3 * kRegion;
  std::byte* span = fixture.take(kPages);
  write_pattern(span, kRegionBytes, 1);
  write_pattern(span + 2 * kRegionBytes, kRegionBytes, 2);
  SKIP_UNLESS_IT_PASSES(fixture);
  ASSERT_TRUE(fixture.is_huge(span));

  auto* moved = static_cast<std::byte*>(fixture.heap.move(span, kPages + 10, fixture.heap));

  // Where the kernel moves one mapping at a time, the span stays, to be copied.
  const std::byte* now = moved != nullptr ? moved : span;
  EXPECT_TRUE(has_pattern(now, kRegionBytes, 1));
  EXPECT_TRUE(is_zero(now + kRegionBytes, kRegionBytes));
  EXPECT_TRUE(has_pattern(now + 2 * kRegionBytes, kRegionBytes, 2));
  if (moved == nullptr) return;
  const std::byte* again = fixture.take_zeroed(kPages);
  EXPECT_TRUE(is_zero(again, kPages * kPageBytes));
}

TEST(HugePagesCollapse, AdviceForASpanDoesNotMoveWithIt) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  Collapsing fixture;
  constexpr std::size_t kPages = 3 * kRegion;
  std::byte* span = fixture.take_written(kPages);
  SKIP_UNLESS_IT_PASSES(fixture);
  ASSERT_TRUE(fixture.is_huge(span));

  auto* moved = static_cast<std::byte*>(fixture.heap.move(span, kPages, fixture.heap));

  ASSERT_NE(moved, nullptr);
  EXPECT_TRUE(fixture.is_kept(moved, kPages));
  EXPECT_FALSE(fixture.is_huge(moved));
  EXPECT_FALSE(test::kernel_mapping_of(moved).is_advised());
}

TEST(HugePagesCollapse, NoneOnceTheHeapIsSmallAgain) {
  Collapsing fixture;
  SKIP_UNLESS_IT_PASSES(fixture);
  for (std::byte* region : fixture.filling) fixture.heap.put(region);
  fixture.heap.trim(0);
  std::byte* span = fixture.take_written(2 * kRegion);

  fixture.tick_for(kLongMs);

  EXPECT_FALSE(fixture.is_huge(span));
}

TEST(HugePagesCollapse, NoneWithoutAThreshold) {
  Collapsing fixture;
  fixture.heap.set_huge_threshold(0);
  std::byte* run = fixture.take_written(kRegion);

  ASSERT_FALSE(fixture.passes());
  fixture.tick_for(kLongMs);

  EXPECT_FALSE(fixture.is_huge(run));
  EXPECT_FALSE(fixture.is_huge(fixture.fresh));
}

TEST(HugePagesCollapse, NoneWhereTheKernelGaveNoneToFreshRegions) {
  const test::NoHugePages none;
  Collapsing fixture;
  std::byte* run = fixture.take_written(kRegion);
  for (int i = 0; i < 5; ++i) fixture.filling.push_back(fixture.take_written(kRegion));
  fixture.tick_for(kLongMs);

  EXPECT_FALSE(fixture.is_huge(run));
  EXPECT_TRUE(fixture.is_kept(run, kRegion));
}

TEST(HugePagesCollapse, RefusalLeavesTheRegionAsItWas) {
  Collapsing fixture;
  SKIP_UNLESS_IT_PASSES(fixture);
  std::byte* span = fixture.take_written(2 * kRegion);
  const test::NoHugePages none;

  fixture.tick_for(kLongMs);

  EXPECT_FALSE(fixture.is_huge(span));
  EXPECT_FALSE(test::kernel_mapping_of(span).is_advised());
  EXPECT_TRUE(fixture.is_kept(span, 2 * kRegion));
}

TEST(HugePagesCollapse, OneRefusalIsNotTheLast) {
  Collapsing fixture;
  SKIP_UNLESS_IT_PASSES(fixture);
  std::byte* span = fixture.take_written(2 * kRegion);
  {
    const test::NoHugePages none;
    fixture.tick_for(kLongMs);
  }

  fixture.tick_for(kLongMs);

  EXPECT_TRUE(fixture.is_huge(span));
  EXPECT_TRUE(fixture.is_huge(span + kRegionBytes));
  EXPECT_TRUE(fixture.is_kept(span, 2 * kRegion));
}

TEST(HugePagesCollapse, RegionThatWasSplitIsCollapsedOnceItIsFullAgain) {
  Collapsing fixture;
  std::byte* first = fixture.take_written(kRegion / 2);
  std::byte* second = fixture.take_written(kRegion / 2);
  SKIP_UNLESS_IT_PASSES(fixture);
  ASSERT_TRUE(fixture.is_huge(first));
  fixture.heap.put(second);

  fixture.tick_for(kLongMs);

  EXPECT_FALSE(fixture.is_huge(first));
  EXPECT_FALSE(test::kernel_mapping_of(first).is_advised());
  EXPECT_EQ(fixture.backed_pages(first), kRegion / 2);
  ASSERT_EQ(fixture.take_written(kRegion / 2), second);

  fixture.tick_for(kLongMs);

  EXPECT_TRUE(fixture.is_huge(first));
  EXPECT_TRUE(fixture.is_kept(first, kRegion / 2));
  EXPECT_TRUE(fixture.is_kept(second, kRegion / 2));
}

}  // namespace
}  // namespace luna
