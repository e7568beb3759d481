// SPDX-License-Identifier: MIT
// Spans of zeros over memory that was in use before: cleared, or given back for fresh pages.
#include "os/memory.hpp"
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::is_zero;
using test::make_dirty;
using test::TestPages;

constexpr std::size_t kPages = 4 * kPagesPerRegion;

// More than are cleared before four probes.
constexpr int kManyTurns = 40;

struct Zeros : TestPages {
  // Leaves nothing but memory that was written to.
  void dirty_all() {
    std::byte* span = take(kPages);
    make_dirty(span, kPages);
    heap.put(span);
  }

  // Takes a span of zeros and puts it; returns the pages given back meanwhile.
  std::size_t turn(bool writes) {
    const std::uint64_t before = heap.purged_pages();
    std::byte* span = take_zeroed(kPages);
    EXPECT_TRUE(is_zero(span + kRegionBytes, kPageBytes));
    const std::uint64_t purged = heap.purged_pages() - before;
    if (writes) make_dirty(span, kPages);
    heap.put(span);
    return purged;
  }

  std::size_t turns_that_purge(int turns, bool writes) {
    std::size_t count = 0;
    for (int i = 0; i < turns; ++i) count += turn(writes) != 0 ? 1 : 0;
    return count;
  }
};

TEST(SpanZeros, FirstSpansOverDirtyMemoryAreCleared) {
  Zeros fixture;
  fixture.dirty_all();

  EXPECT_EQ(fixture.turns_that_purge(4, true), 0U);
}

TEST(SpanZeros, AreFreshInTheEndIfNobodyWritesToThem) {
  Zeros fixture;
  fixture.dirty_all();
  static_cast<void>(fixture.turns_that_purge(kManyTurns, false));

  fixture.dirty_all();
  // Where the kernel's pages are larger than ours nothing is given back instead.
  EXPECT_EQ(fixture.turn(false), test::kernel_pages_are_ours() ? kPages : 0U);
}

TEST(SpanZeros, AreNeverFreshIfTheyAreWrittenTo) {
  Zeros fixture;
  fixture.dirty_all();
  EXPECT_EQ(fixture.turns_that_purge(10 * kManyTurns, true), 0U);
}

TEST(SpanZeros, AreClearedAgainOnceTheyAreWrittenTo) {
  Zeros fixture;
  fixture.dirty_all();
  static_cast<void>(fixture.turns_that_purge(kManyTurns, false));
  static_cast<void>(fixture.turns_that_purge(kManyTurns, true));

  EXPECT_EQ(fixture.turns_that_purge(kManyTurns, true), 0U);
}

TEST(SpanZeros, AreZerosWhicheverWay) {
  Zeros fixture;
  for (int i = 0; i < kManyTurns; ++i) {
    fixture.dirty_all();
    std::byte* span = fixture.take_zeroed(kPages);
    ASSERT_TRUE(is_zero(span, kPages * kPageBytes));
    fixture.heap.put(span);
  }
}

TEST(SpanZeros, WhatItsOwnerHasGivenBackIsNotDirty) {
  TestPages pages;
  std::byte* span = pages.take(kPages);
  make_dirty(span, kPages);
  ASSERT_TRUE(os::purge(span, kPages * kPageBytes));
  pages.heap.note_given_back(span);
  EXPECT_EQ(pages.heap.purged_pages(), kPages);
  pages.heap.put(span);
  EXPECT_EQ(pages.heap.usage().dirty, 0U);

  // Of the next one there nothing is known.
  ASSERT_EQ(pages.take(kPages), span);
  make_dirty(span, kPages);
  pages.heap.put(span);
  EXPECT_EQ(pages.heap.usage().dirty, kPages * kPageBytes);
}

TEST(SpanZeros, OfOtherBlocksItIsNotHeard) {
  TestPages pages;
  std::byte* run = pages.take(20);
  make_dirty(run, 20);
  pages.heap.note_given_back(run);
  pages.heap.put(run);

  EXPECT_EQ(pages.heap.purged_pages(), 0U);
  EXPECT_EQ(pages.heap.usage().dirty, 20 * kPageBytes);
}

}  // namespace
}  // namespace luna
