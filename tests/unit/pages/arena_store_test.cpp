// SPDX-License-Identifier: MIT
// Page heaps that share a window, and what becomes of the arenas of those that are gone.
#include "pages/arena_store.hpp"

#include "os/clock.hpp"
#include "os/memory.hpp"
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace luna {
namespace {

struct ArenaStoreTest : testing::Test {
  ArenaStoreTest() { EXPECT_TRUE(store.begin(pages.window)); }

  [[nodiscard]] std::unique_ptr<PageHeap> other(Quota* quota = nullptr) {
    return std::make_unique<PageHeap>(pages.window, store, quota);
  }
  [[nodiscard]] static std::byte* take(PageHeap& heap, std::size_t count) {
    auto* memory = static_cast<std::byte*>(heap.take(count, 1, false));
    test::make_dirty(memory, count);
    return memory;
  }
  [[nodiscard]] static std::uint64_t later() {
    return os::coarse_milliseconds() + ArenaStore::kRestMs;
  }

  test::TestPages pages;
  ArenaStore store;
};

TEST_F(ArenaStoreTest, EachRegionIsOfOneHeap) {
  std::byte* first = pages.take(1);
  const std::unique_ptr<PageHeap> heap = other();
  std::byte* second = take(*heap, 1);

  EXPECT_EQ(pages.window.region_of(first)->pages, &pages.heap);
  EXPECT_EQ(pages.window.region_of(second)->pages, heap.get());
  heap->put(second);
  heap->abandon();
}

TEST_F(ArenaStoreTest, WhatIsGoneIsOfNobodyAndNotBacked) {
  const std::unique_ptr<PageHeap> heap = other();
  std::byte* run = take(*heap, 20);
  std::byte* span = take(*heap, 3 * kPagesPerRegion);
  heap->abandon();

  for (std::byte* memory : {run, span, span + 2 * kRegionBytes}) {
    EXPECT_EQ(pages.window.region_of(memory)->state, RegionState::kGone);
    EXPECT_EQ(pages.window.region_of(memory)->pages, nullptr);
    EXPECT_EQ(os::resident_bytes(memory, 20 * kPageBytes), 0U);
  }
}

// By who was in the middle of a free when the heap ended.
TEST_F(ArenaStoreTest, WhatIsWrittenToTheGoneIsNotHandedOut) {
  const std::unique_ptr<PageHeap> heap = other();
  std::byte* run = take(*heap, 20);
  heap->abandon();
  test::make_dirty(run, 1);
  Arena* arena = store.take(1, later());
  ASSERT_NE(arena, nullptr);
  EXPECT_EQ(arena->memory, run);
  EXPECT_EQ(os::resident_bytes(run, 20 * kPageBytes), 0U);
  store.put(arena);
}

TEST_F(ArenaStoreTest, HugeBlocksRestToo) {
  const std::unique_ptr<PageHeap> heap = other();
  constexpr std::size_t kHugePages = (kMaxArenaRegions + 1) * kPagesPerRegion;
  auto* memory = static_cast<std::byte*>(heap->take(kHugePages, 1, false));
  ASSERT_NE(memory, nullptr);
  test::make_dirty(memory, 1);
  heap->abandon();
  for (std::byte* at : {memory, memory + kMaxArenaRegions * kRegionBytes})
    EXPECT_EQ(pages.window.region_of(at)->state, RegionState::kGone);
  EXPECT_EQ(os::resident_bytes(memory, kPageBytes), 0U);

  EXPECT_EQ(store.take(1, later()), nullptr);
  EXPECT_EQ(pages.window.region_of(memory), nullptr);
}

TEST_F(ArenaStoreTest, HugeAddressesAreGivenUpWhenThereAreNoneElse) {
  const std::unique_ptr<PageHeap> heap = other();
  void* memory = heap->take((kMaxArenaRegions + 1) * kPagesPerRegion, 1, false);
  heap->abandon();
  EXPECT_TRUE(store.give_up());
  EXPECT_EQ(pages.window.region_of(memory), nullptr);
  EXPECT_FALSE(store.give_up());
}

TEST_F(ArenaStoreTest, SlotsStayUntilTheArenaHasRested) {
  const std::unique_ptr<PageHeap> heap = other();
  void* granule = heap->take_granule();
  Slot* slot = pages.window.slot_of(granule);
  slot->storage[7] = std::byte{1};
  heap->abandon();

  EXPECT_EQ(slot->storage[7], std::byte{1});
  EXPECT_NE(store.take(1, later()), nullptr);
  EXPECT_EQ(slot->storage[7], std::byte{0});
}

TEST_F(ArenaStoreTest, ArenasRestBeforeOthersGetThem) {
  const std::unique_ptr<PageHeap> heap = other();
  std::byte* memory = take(*heap, 1);
  heap->abandon();

  EXPECT_EQ(store.take(1, os::coarse_milliseconds()), nullptr);
  EXPECT_EQ(store.take(100, later()), nullptr);
  Arena* arena = store.take(1, later());
  ASSERT_NE(arena, nullptr);
  EXPECT_LE(arena->memory, memory);
  EXPECT_TRUE(arena->free.all(0, arena->regions));
  EXPECT_TRUE(arena->committed.none());
  EXPECT_EQ(store.take(1, later()), nullptr);
}

TEST_F(ArenaStoreTest, TheOneThatRestsLongestComesFirst) {
  const std::unique_ptr<PageHeap> one = other();
  const std::unique_ptr<PageHeap> two = other();
  static_cast<void>(take(*one, 1));
  static_cast<void>(take(*two, 1));
  one->abandon();
  two->abandon();
  Arena* of_one = store.take(1, later());
  Arena* of_two = store.take(1, later());
  ASSERT_TRUE(of_one != nullptr && of_two != nullptr && of_one != of_two);

  store.put(of_two);
  store.put(of_one);

  EXPECT_EQ(store.take(1, later()), of_two);
  store.put(of_two);
  EXPECT_EQ(store.take(1, later()), of_one);
  EXPECT_EQ(store.take(1, later()), of_two);
  EXPECT_EQ(store.take(1, later()), nullptr);
}

TEST_F(ArenaStoreTest, ANewHeapFindsZerosThere) {
  std::unique_ptr<PageHeap> heap = other();
  std::byte* before = take(*heap, 5);
  heap->abandon();
  os::sleep_milliseconds(ArenaStore::kRestMs + 20);
  heap = other();
  auto* memory = static_cast<std::byte*>(heap->take(5, 1, false));

  EXPECT_EQ(memory, before);
  EXPECT_TRUE(test::is_zero(memory, 5 * kPageBytes));
  EXPECT_EQ(pages.window.region_of(memory)->pages, heap.get());
  heap->verify();
  heap->abandon();
}

// What is handed out in any form is charged, to the page, and what is left is not.
TEST_F(ArenaStoreTest, TheQuotaKnowsAllPages) {
  Quota quota;
  quota.begin(nullptr, 64 * kRegionBytes);
  const std::unique_ptr<PageHeap> heap = other(&quota);
  std::byte* run = take(*heap, 20);
  EXPECT_EQ(quota.used(), 20 * kPageBytes);
  const GranulesTaken granules = heap->take_granules(4);
  EXPECT_EQ(quota.used(), 20 * kPageBytes + granules.count * kGranuleBytes);
  std::byte* span = take(*heap, 3 * kPagesPerRegion + 7);
  const std::size_t used = 20 * kPageBytes + granules.count * kGranuleBytes;
  EXPECT_EQ(quota.used(), used + 3 * kRegionBytes + 7 * kPageBytes);
  EXPECT_TRUE(heap->resize(span, 3 * kPagesPerRegion + 9));
  EXPECT_TRUE(heap->resize(run, 2));
  EXPECT_EQ(quota.used(), used + 3 * kRegionBytes - 9 * kPageBytes);
  heap->put(span);
  heap->put(run);
  EXPECT_EQ(quota.used(), granules.count * kGranuleBytes);
  heap->abandon();
  EXPECT_EQ(quota.used(), 0U);
}

TEST_F(ArenaStoreTest, TheQuotaDeniesAndNothingIsLost) {
  Quota quota;
  quota.begin(nullptr, 30 * kPageBytes);
  const std::unique_ptr<PageHeap> heap = other(&quota);
  std::byte* run = take(*heap, 20);

  EXPECT_EQ(heap->take(11, 1, false), nullptr);
  EXPECT_EQ(heap->take(2 * kPagesPerRegion, 1, false), nullptr);
  EXPECT_EQ(heap->take(1024 * kPagesPerRegion, 1, false), nullptr);
  EXPECT_FALSE(heap->resize(run, 31));
  EXPECT_EQ(heap->take_granules(4).count, 1U);
  EXPECT_EQ(quota.used(), 28 * kPageBytes);
  EXPECT_EQ(heap->take_granules(1).memory, nullptr);
  EXPECT_EQ(quota.used(), 28 * kPageBytes);
  heap->abandon();
}

}  // namespace
}  // namespace luna
