// SPDX-License-Identifier: MIT
// Pages that move with their contents, within a page heap and from one to another.
#include "os/memory.hpp"
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <new>
#include <string>
#include <vector>

namespace luna {
namespace {

using test::has_pattern;
using test::is_zero;
using test::make_dirty;
using test::TestPages;
using test::write_pattern;

constexpr std::size_t kRegion = kPagesPerRegion;
constexpr std::size_t kHugePages = kMaxArenaRegions * kPagesPerRegion + 1;

[[nodiscard]] std::size_t mapping_count() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<std::size_t>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
}

TEST(SpanMove, TakesTheContentsAlong) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  TestPages pages;
  std::byte* span = pages.take(2 * kRegion + 30);
  write_pattern(span, (2 * kRegion + 30) * kPageBytes, 6);

  auto* moved = static_cast<std::byte*>(pages.heap.move(span, 4 * kRegion, pages.heap));

  ASSERT_NE(moved, nullptr);
  EXPECT_TRUE(has_pattern(moved, (2 * kRegion + 30) * kPageBytes, 6));
  EXPECT_EQ(pages.heap.usage().used, 4 * kRegionBytes);
}

TEST(SpanMove, LeavesMemoryThatCanBeUsedAgain) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  TestPages pages;
  std::byte* span = pages.take(2 * kRegion + 30);
  make_dirty(span, 2 * kRegion + 30);
  ASSERT_NE(pages.heap.move(span, 4 * kRegion, pages.heap), nullptr);

  std::byte* next = pages.take_zeroed(2 * kRegion + 30);

  EXPECT_TRUE(is_zero(next, (2 * kRegion + 30) * kPageBytes));
  write_pattern(next, (2 * kRegion + 30) * kPageBytes, 2);
  EXPECT_TRUE(has_pattern(next, (2 * kRegion + 30) * kPageBytes, 2));
}

TEST(SpanMove, MovedSpanIsZeroForItsNextOwner) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  TestPages pages;
  std::byte* span = pages.take(2 * kRegion);
  make_dirty(span, 2 * kRegion);
  auto* moved = static_cast<std::byte*>(pages.heap.move(span, 3 * kRegion, pages.heap));
  ASSERT_NE(moved, nullptr);
  make_dirty(moved, 3 * kRegion);
  pages.heap.put(moved);

  EXPECT_TRUE(is_zero(pages.take_zeroed(5 * kRegion), 5 * kRegionBytes));
}

TEST(SpanMove, LeavesNothingDirtyBehind) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  TestPages pages;
  std::byte* dirty = pages.take(2 * kRegion + 30);
  make_dirty(dirty, 2 * kRegion + 30);
  pages.heap.put(dirty);
  std::byte* span = pages.take(2 * kRegion + 30);
  ASSERT_EQ(span, dirty);

  ASSERT_NE(pages.heap.move(span, 4 * kRegion, pages.heap), nullptr);

  EXPECT_EQ(pages.heap.usage().dirty, 0U);
}

TEST(SpanMove, IsRefusedForRuns) {
  TestPages pages;
  std::byte* run = pages.take(100);

  EXPECT_EQ(pages.heap.move(run, 2 * kRegion, pages.heap), nullptr);
  EXPECT_EQ(pages.heap.usage().used, 100 * kPageBytes);
}

TEST(SpanMove, RefusedMoveToAHugeBlockLeavesTheContents) {
  TestPages pages;
  std::byte* span = pages.take(2 * kRegion);
  write_pattern(span, 2 * kRegionBytes, 7);

  void* moved = pages.heap.move(span, kHugePages, pages.heap);

  const auto* now = moved != nullptr ? static_cast<std::byte*>(moved) : span;
  EXPECT_TRUE(has_pattern(now, 2 * kRegionBytes, 7));
  EXPECT_EQ(pages.heap.usage().large_blocks, 1U);
}

TEST(SpanMove, MovedSpansThatWerePutMergeWithTheirNeighbours) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  TestPages pages;
  std::vector<std::byte*> spans;
  for (int i = 0; i < 60; ++i) spans.push_back(pages.take(2 * kRegion));
  for (std::byte* span : spans) make_dirty(span, 1);
  const std::size_t before = mapping_count();
  for (std::size_t i = 0; i < spans.size(); i += 2) pages.heap.put(spans[i]);
  // Each odd one moves into a hole, so that moved and unmoved ones take turns.
  for (std::size_t i = 1; i < spans.size(); i += 2) {
    spans[i] = static_cast<std::byte*>(pages.heap.move(spans[i], 2 * kRegion, pages.heap));
    ASSERT_NE(spans[i], nullptr);
  }

  for (std::size_t i = 1; i < spans.size(); i += 2) pages.heap.put(spans[i]);

  EXPECT_LE(mapping_count(), before + 8);
}

TEST(SpanMove, HugeBlockThatMovesToFewerPagesLeavesItsNeighboursAlone) {
  TestPages pages;
  std::byte* block = pages.take(kHugePages);
  write_pattern(block, 4 * kRegionBytes, 1);
  std::byte* small = pages.take(4 * kRegion);
  std::byte* next = pages.take(2 * kRegion);
  ASSERT_EQ(next, small + 4 * kRegionBytes);
  write_pattern(next, 2 * kRegionBytes, 2);
  pages.heap.put(small);

  void* moved = pages.heap.move(block, 4 * kRegion, pages.heap);

  EXPECT_TRUE(has_pattern(next, 2 * kRegionBytes, 2));
  EXPECT_TRUE(has_pattern(moved != nullptr ? moved : block, 4 * kRegionBytes, 1));
}

// Another page heap in the window, with a limit.
struct MoveBetween : testing::Test {
  MoveBetween() {
    EXPECT_TRUE(store.begin(pages.window));
    quota.begin(nullptr, 64 * kRegionBytes);
  }
  ~MoveBetween() override {
    other.verify();
    other.abandon();
    EXPECT_EQ(quota.used(), 0U);
    EXPECT_EQ(pages.window.moved_spans(), 0U);
  }
  [[nodiscard]] std::byte* moved(PageHeap& from, std::byte* memory, PageHeap& to,
                                 std::size_t count) {
    return static_cast<std::byte*>(from.move(memory, count, to));
  }

  TestPages pages;
  ArenaStore store;
  Quota quota;
  PageHeap other{pages.window, store, &quota};
};

TEST_F(MoveBetween, BlockIsTheOthersAndChargedThere) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  constexpr std::size_t kPages = 3 * kRegion + 20;
  std::byte* span = pages.take(kPages);
  write_pattern(span, kPages * kPageBytes, 1);

  std::byte* there = moved(pages.heap, span, other, kPages);

  ASSERT_NE(there, nullptr);
  EXPECT_EQ(pages.window.region_of(there)->pages, &other);
  EXPECT_TRUE(has_pattern(there, kPages * kPageBytes, 1));
  EXPECT_EQ(quota.used(), kPages * kPageBytes);
  EXPECT_EQ(pages.heap.usage().used, 0U);
  EXPECT_EQ(pages.heap.usage().dirty, 0U);

  std::byte* back = moved(other, there, pages.heap, kPages);

  ASSERT_NE(back, nullptr);
  EXPECT_TRUE(has_pattern(back, kPages * kPageBytes, 1));
  EXPECT_EQ(quota.used(), 0U);
  pages.heap.put(back);
}

TEST_F(MoveBetween, WhatIsLeftBehindIsZeroAndNotBacked) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  std::byte* span = static_cast<std::byte*>(other.take(2 * kRegion, 1, false));
  make_dirty(span, 2 * kRegion);

  std::byte* there = moved(other, span, pages.heap, 2 * kRegion);

  ASSERT_NE(there, nullptr);
  EXPECT_EQ(os::resident_bytes(span, 2 * kRegionBytes), 0U);
  EXPECT_TRUE(is_zero(span, 2 * kRegionBytes));
  pages.heap.put(there);
}

// A block that the other one keeps is its place, and its pages are kept here in turn.
TEST_F(MoveBetween, BlocksOfOneLengthChangePages) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  constexpr std::size_t kPages = 2 * kRegion + 7;
  auto* kept = static_cast<std::byte*>(other.take(kPages, 1, false));
  make_dirty(kept, kPages);
  other.set_aside(kept, kPages);
  std::byte* span = pages.take(kPages);
  write_pattern(span, kPages * kPageBytes, 4);

  std::byte* there = moved(pages.heap, span, other, kPages);

  ASSERT_EQ(there, kept);
  EXPECT_TRUE(has_pattern(there, kPages * kPageBytes, 4));
  EXPECT_FALSE(other.is_recent(there));
  EXPECT_TRUE(pages.heap.is_recent(span));
  EXPECT_EQ(os::resident_bytes(span, kPages * kPageBytes), kPages * kPageBytes);
  EXPECT_EQ(pages.window.moved_spans(), 2U);
  EXPECT_EQ(pages.take(kPages), span);
  make_dirty(span, kPages);
  EXPECT_TRUE(has_pattern(there, kPages * kPageBytes, 4));
  pages.heap.put(span);
  EXPECT_EQ(pages.window.moved_spans(), 1U);
  EXPECT_EQ(quota.used(), kPages * kPageBytes);
}

TEST_F(MoveBetween, LimitLeavesTheBlockWhereItWas) {
  std::byte* span = pages.take(3 * kRegion);
  write_pattern(span, 3 * kRegionBytes, 2);
  quota.set_limit(3 * kRegionBytes - 1);

  EXPECT_EQ(moved(pages.heap, span, other, 3 * kRegion), nullptr);

  EXPECT_EQ(quota.used(), 0U);
  EXPECT_TRUE(has_pattern(span, 3 * kRegionBytes, 2));
  EXPECT_EQ(pages.heap.usage().used, 3 * kRegionBytes);
  EXPECT_FALSE(pages.window.region_of(span)->moving);
}

TEST_F(MoveBetween, HugeBlockMovesToo) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  std::byte* block = pages.take(kHugePages);
  write_pattern(block, 3 * kRegionBytes, 3);
  quota.set_limit(Quota::kNoLimit);

  std::byte* there = moved(pages.heap, block, other, kHugePages);

  ASSERT_NE(there, nullptr);
  EXPECT_TRUE(has_pattern(there, 3 * kRegionBytes, 3));
  EXPECT_EQ(pages.window.region_of(there)->pages, &other);
  EXPECT_EQ(pages.heap.usage().large_blocks, 0U);
  EXPECT_EQ(other.usage().large_bytes, kHugePages * kPageBytes);
  other.put(there);
}

// What the one has moved holds the other back, until it ends.
TEST_F(MoveBetween, MovedSpansAreBoundedForAllPageHeapsTogether) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  quota.set_limit(Quota::kNoLimit);
  for (std::size_t i = 0; i < Window::kMaxMovedSpans; ++i)
    ASSERT_NE(moved(pages.heap, pages.take(kRegion + 1), other, kRegion + 1), nullptr) << i;
  std::byte* span = pages.take(kRegion + 1);
  EXPECT_EQ(moved(pages.heap, span, pages.heap, kRegion + 1), nullptr);

  other.abandon();
  ::new (&other) PageHeap(pages.window, store, &quota);

  EXPECT_EQ(pages.window.moved_spans(), 0U);
  std::byte* there = moved(pages.heap, span, pages.heap, kRegion + 1);
  ASSERT_NE(there, nullptr);
  pages.heap.put(there);
}

// Spans that were moved merge again when their page heap ends.
TEST_F(MoveBetween, EndOfAPageHeapLeavesNoMappingsApart) {
  if (!test::kernel_pages_are_ours()) GTEST_SKIP() << test::kLargerPages;
  std::vector<std::byte*> spans;
  for (int i = 0; i < 16; ++i) spans.push_back(pages.take(2 * kRegion));
  static_cast<void>(other.take(1, 1, false));
  const std::size_t before = mapping_count();
  std::reverse(spans.begin(), spans.end());  // in their order they would merge
  for (std::byte* span : spans) {
    make_dirty(span, 2 * kRegion);
    ASSERT_NE(moved(pages.heap, span, other, 2 * kRegion), nullptr);
  }
  EXPECT_GT(mapping_count(), before + 8);

  other.abandon();
  ::new (&other) PageHeap(pages.window, store, &quota);

  EXPECT_LE(mapping_count(), before + 8);
}

}  // namespace
}  // namespace luna
