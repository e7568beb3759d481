// SPDX-License-Identifier: MIT
#include "control/own_ranges.hpp"

#include "control/residency.hpp"
#include "support/one_thread.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace luna {
namespace {

struct Collected : test::OneThread {
  [[nodiscard]] std::unique_ptr<OwnRanges> collect() {
    auto ranges = std::make_unique<OwnRanges>();
    ranges->collect(allocator, profiler);
    return ranges;
  }
  Profiler profiler{allocator};
};

[[nodiscard]] bool holds(const OwnRanges& own, const void* memory, OwnKind kind) {
  for (const OwnRange& range : own.ranges())
    if (range.kind == kind && address_of(memory) >= range.begin && address_of(memory) < range.end)
      return true;
  return false;
}

TEST(OwnRanges, HoldBlocksAndTables) {
  Collected fixture;
  const void* block = fixture.thread.allocate(100);
  const auto own = fixture.collect();

  EXPECT_TRUE(own->complete());
  EXPECT_TRUE(holds(*own, block, OwnKind::kArena));
  EXPECT_TRUE(holds(*own, &fixture.slab_of(block), OwnKind::kMetadata));
  EXPECT_TRUE(holds(*own, fixture.allocator.window().region_of(block), OwnKind::kMetadata));
  EXPECT_TRUE(holds(*own, &fixture.thread.heap(), OwnKind::kMetadata));
  EXPECT_EQ(own->bytes(OwnKind::kArena), fixture.allocator.usage().pages.reserved);
  EXPECT_EQ(own->bytes(OwnKind::kTelemetry), 0U);
  EXPECT_EQ(own->bytes(OwnKind::kGuarded), 0U);
}

TEST(OwnRanges, HoldHugeBlocksWhileTheyLive) {
  Collected fixture;
  const std::size_t bytes = std::size_t{3} << 30;
  void* one = fixture.thread.allocate(bytes);
  void* other = fixture.thread.allocate(bytes);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(fixture.collect()->bytes(OwnKind::kHuge), 2 * bytes);
  EXPECT_TRUE(holds(*fixture.collect(), one, OwnKind::kHuge));

  fixture.thread.deallocate(one);
  EXPECT_EQ(fixture.collect()->bytes(OwnKind::kHuge), bytes);
  EXPECT_TRUE(holds(*fixture.collect(), other, OwnKind::kHuge));
  fixture.thread.deallocate(other);
  EXPECT_EQ(fixture.collect()->bytes(OwnKind::kHuge), 0U);
}

TEST(OwnRanges, HoldTheTablesOfTheProfiler) {
  Collected fixture;
  ASSERT_TRUE(fixture.profiler.start(1, {std::size_t{1} << 20, 8}));
  static_cast<void>(fixture.thread.allocate(100));

  EXPECT_GE(fixture.collect()->bytes(OwnKind::kTelemetry), fixture.profiler.usage().reserved_bytes);
}

TEST(OwnRanges, CountThreadHeapsThatShareAPageOnce) {
  Collected fixture;
  const auto one = fixture.collect();
  test::TestThread second(fixture.allocator);
  test::TestThread third(fixture.allocator);
  const auto three = fixture.collect();

  const std::size_t page = os::page_bytes();
  EXPECT_LE(three->bytes(OwnKind::kMetadata) - one->bytes(OwnKind::kMetadata),
            2 * round_up(sizeof(ThreadHeap), page));
  EXPECT_TRUE(holds(*three, &third.heap(), OwnKind::kMetadata));
}

TEST(OwnRanges, KnowWhatOfAMappingIsTheirs) {
  Collected fixture;
  auto* block = static_cast<std::byte*>(fixture.thread.allocate(std::size_t{1} << 20));
  std::memset(block, 1, std::size_t{1} << 20);
  const auto own = fixture.collect();

  const std::uintptr_t begin = address_of(block);
  EXPECT_TRUE(own->cover(begin, begin + (std::size_t{1} << 20)));
  EXPECT_EQ(own->resident_within(begin, begin + (std::size_t{1} << 20)), std::size_t{1} << 20);
  const std::uintptr_t end = own->ranges()[0].end;
  EXPECT_FALSE(own->cover(begin, end + os::page_bytes()));
  EXPECT_EQ(own->resident_within(0, os::page_bytes()), 0U);
}

TEST(ResidentBytes, CountsThePagesThatAreBacked) {
  const std::size_t bytes = 1500 * os::page_bytes();
  auto* memory = static_cast<std::byte*>(os::map(bytes));
  ASSERT_NE(memory, nullptr);
  for (const std::size_t page : {0U, 511U, 512U, 1499U})
    memory[page * os::page_bytes()] = std::byte{1};

  EXPECT_EQ(os::resident_bytes(memory, bytes), 4 * os::page_bytes());
  EXPECT_EQ(os::resident_bytes(memory + 511 * os::page_bytes(), 1), os::page_bytes());
  os::release(memory, bytes);
}

}  // namespace
}  // namespace luna
