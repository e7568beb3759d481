// SPDX-License-Identifier: MIT
// The numbers of a heap that is known, and how they add up.
#include "control/statistics_snapshot.hpp"

#include "control/statistics_fields.hpp"
#include "os/memory.hpp"
#include "support/profiled.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace luna {
namespace {

struct Taken : test::OneThread {
  [[nodiscard]] std::unique_ptr<StatisticsSnapshot> take(unsigned what = 0) {
    auto snapshot = std::make_unique<StatisticsSnapshot>();
    EXPECT_TRUE(snapshot->take(allocator, profiler, what));
    return snapshot;
  }
  [[nodiscard]] luna_stats_detail detail(unsigned what = 0) { return take(what)->detail(); }

  Profiler profiler{allocator};
};

[[nodiscard]] std::uint64_t sum_of_committed(const luna_stats_detail& detail) {
  return detail.live_bytes + detail.thread_cache_bytes + detail.spare_slab_bytes +
         detail.slab_free_bytes + detail.slab_uncut_bytes + detail.kept_bytes + detail.dirty_bytes +
         detail.retained_bytes;
}

TEST(StatisticsSnapshot, HasNothingOfAHeapThatWasNeverUsed) {
  Taken fixture;
  const luna_stats_detail detail = fixture.detail();
  EXPECT_EQ(detail.live_bytes, 0U);
  EXPECT_EQ(detail.committed_bytes, 0U);
  EXPECT_EQ(detail.slabs, 0U);
  EXPECT_EQ(detail.thread_heaps, 1U);
  EXPECT_EQ(detail.attached_threads, 1U);
}

TEST(StatisticsSnapshot, CountsLiveBlocksWithoutThoseInLists) {
  Taken fixture;
  const std::vector<void*> small = fixture.allocate_many(1000, 100);
  const std::vector<void*> runs = fixture.allocate_many(10, 40'000);
  const std::vector<void*> spans = fixture.allocate_many(2, 3'000'000);
  const luna_stats_detail detail = fixture.detail();

  EXPECT_EQ(detail.small_blocks, 1000U);
  EXPECT_EQ(detail.small_bytes, 112'000U);
  EXPECT_EQ(detail.large_blocks, 12U);
  EXPECT_EQ(detail.large_bytes, (10U * 10 + 2 * 733) * kPageBytes);
  EXPECT_EQ(detail.live_blocks, 1012U);
  EXPECT_EQ(sum_of_committed(detail), detail.committed_bytes);
  EXPECT_EQ(detail.committed_bytes, fixture.allocator.usage().pages.committed);
}

TEST(StatisticsSnapshot, FindsFreedBlocksInListsSlabsAndPages) {
  Taken fixture;
  std::vector<void*> blocks = fixture.allocate_many(3000, 64);
  for (const std::size_t bytes : {20'000U, 100'000U, 1'000'000U, 5'000'000U})
    for (int i = 0; i < 6; ++i) blocks.push_back(fixture.thread.allocate(bytes));
  for (void* block : blocks) fixture.thread.deallocate(block);
  const luna_stats_detail detail = fixture.detail();

  EXPECT_EQ(detail.live_blocks, 0U);
  EXPECT_EQ(detail.live_bytes, 0U);
  EXPECT_GT(detail.kept_bytes, 0U);
  EXPECT_GT(detail.dirty_bytes, 0U);
  EXPECT_EQ(sum_of_committed(detail), detail.committed_bytes);
}

TEST(StatisticsSnapshot, CountsHugeBlocks) {
  Taken fixture;
  const std::size_t bytes = std::size_t{3} << 30;
  auto* block = static_cast<std::byte*>(fixture.thread.allocate(bytes));
  ASSERT_NE(block, nullptr);
  std::memset(block, 1, 100'000);
  const luna_stats_detail detail = fixture.detail(LUNA_STATS_RESIDENT);

  EXPECT_EQ(detail.large_blocks, 1U);
  EXPECT_EQ(detail.large_bytes, bytes);
  EXPECT_EQ(detail.resident_large_bytes, round_up(100'000, os::page_bytes()));
  EXPECT_EQ(sum_of_committed(detail), detail.committed_bytes);
}

TEST(StatisticsSnapshot, LeavesUnknownWhatIsNotAskedFor) {
  Taken fixture;
  static_cast<void>(fixture.thread.allocate(100));
  const luna_stats_detail little = fixture.detail();
  EXPECT_FALSE(is_known(little.resident_bytes));
  EXPECT_FALSE(is_known(little.accounted_bytes));
  EXPECT_FALSE(is_known(little.process_resident_bytes));
  EXPECT_FALSE(is_known(little.requested_bytes));

  const luna_stats_detail all = fixture.detail(LUNA_STATS_ALL);
  for (const StatisticField& field : kStatisticFields) {
    const bool estimated =
        field.name.view() == "requested_bytes" || field.name.view() == "class_slack_bytes";
    const bool hardware = field.section == StatisticSection::kHardware;
    EXPECT_EQ(is_known(all.*field.value), !estimated && !hardware) << field.name.view();
  }
}

TEST(StatisticsSnapshot, AccountsForAllThatIsResident) {
  Taken fixture;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 5000; ++i) {
    blocks.push_back(fixture.thread.allocate(i * 7 + 1));
    std::memset(blocks.back(), 1, i * 7 + 1);
  }
  for (std::size_t i = 0; i < blocks.size(); i += 3) fixture.thread.deallocate(blocks[i]);
  const luna_stats_detail detail = fixture.detail(LUNA_STATS_MAPPINGS);

  EXPECT_GT(detail.resident_bytes, 5000U * 5000 * 7 / 2 / 2);
  EXPECT_EQ(detail.resident_retained_bytes, 0U);
  EXPECT_EQ(detail.resident_bytes, detail.accounted_bytes);
  EXPECT_LT(detail.resident_bytes, detail.process_resident_bytes);
  EXPECT_GT(detail.not_ours_bytes, 0U);
}

TEST(StatisticsSnapshot, CountsTablesOfOthersAsTelemetry) {
  Taken fixture;
  const std::size_t bytes = 10 * os::page_bytes();
  auto* const table = static_cast<std::byte*>(os::map(bytes));
  ASSERT_NE(table, nullptr);
  std::memset(table, 1, bytes / 2);
  StatisticsSnapshot snapshot;
  snapshot.add_table({});
  snapshot.add_table({table, bytes});
  ASSERT_TRUE(snapshot.take(fixture.allocator, fixture.profiler, LUNA_STATS_RESIDENT));
  const luna_stats_detail& detail = snapshot.detail();

  EXPECT_EQ(detail.telemetry_bytes, bytes);
  EXPECT_EQ(detail.resident_telemetry_bytes, bytes / 2);
  EXPECT_EQ(detail.resident_bytes, detail.accounted_bytes);
  os::release(table, bytes);
}

TEST(StatisticsSnapshot, HasARowForEachThreadHeap) {
  Taken fixture;
  test::TestThread second(fixture.allocator);
  std::vector<void*> blocks = fixture.allocate_many(1000, 256);
  static_cast<void>(second.allocate(512));
  const auto snapshot = fixture.take(LUNA_STATS_THREADS);

  ASSERT_EQ(snapshot->threads().rows().size(), 2U);
  for (const ThreadRows::Row& row : snapshot->threads().rows()) {
    const bool first = row.heap == &fixture.thread.heap();
    EXPECT_EQ(row.stats.slabs, first ? 1000 * 256 / kGranuleBytes + 1 : 1U);
    EXPECT_GE(row.stats.used_bytes, first ? 256'000U : 512U);
    EXPECT_GT(row.stats.refills, 0U);
    EXPECT_GE(row.stats.refilled_blocks, row.stats.refills);
    EXPECT_TRUE(is_known(row.stats.thread));
  }
  second.park();
  EXPECT_EQ(fixture.detail().attached_threads, 1U);
  EXPECT_EQ(fixture.detail().thread_heaps, 2U);
}

TEST(StatisticsSnapshot, EstimatesWhatWasAskedForFromSamples) {
  Taken fixture;
  ASSERT_TRUE(fixture.profiler.start(1, {std::size_t{8} << 20, 8}));
  const std::vector<void*> blocks = fixture.allocate_many(1000, 100);
  const luna_stats_detail detail = fixture.detail(LUNA_STATS_THREADS);

  EXPECT_EQ(detail.requested_bytes + detail.class_slack_bytes, detail.live_bytes);
  EXPECT_NEAR(static_cast<double>(detail.requested_bytes),
              static_cast<double>(detail.live_bytes) * 100 / 112, 100.0);
}

}  // namespace
}  // namespace luna
