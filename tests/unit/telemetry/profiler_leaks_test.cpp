// SPDX-License-Identifier: MIT
// What the profiler notes of the history of its sites.
#include "support/profiled.hpp"
#include "telemetry/verdict.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

namespace luna {
namespace {

using test::Profiled;

// The row with the most live bytes.
LeakRow look_at_leaks(Profiler& profiler, LeakVerdict* verdict = nullptr) {
  LeakRow largest{};
  EXPECT_TRUE(profiler.with_leaks([&](const LeakProfile& profile) {
    for (std::size_t i = 0; i < profile.count; ++i) {
      if (profile.rows[i].live.bytes < largest.live.bytes) continue;
      largest = profile.rows[i];
      if (verdict != nullptr) *verdict = judge(largest, profile.began, profile.now);
    }
  }));
  return largest;
}

TEST(ProfilerLeaks, HasNothingBeforeItBegins) {
  test::OneThread fixture;
  Profiler profiler(fixture.allocator);
  EXPECT_FALSE(look_at_leaks(profiler).history.begun());
}

TEST(ProfilerLeaks, HistoryFollowsWhatLives) {
  Profiled fixture;
  std::vector<void*> blocks;
  LeakVerdict verdict;
  for (int i = 0; i < 1000; ++i) blocks.push_back(fixture.thread.allocate(100));
  LeakRow row = look_at_leaks(fixture.profiler, &verdict);
  EXPECT_EQ(row.history.last(), row.live.bytes);
  EXPECT_EQ(row.history[0].low, 100);
  EXPECT_EQ(row.ages.born_in, row.history.allocated_in());
  EXPECT_GT(std::popcount(row.ages.born_in), 6);
  EXPECT_EQ(verdict.leak_class, LeakClass::kLeak);
  EXPECT_LT(row.ages.late_bytes, row.live.bytes);

  fixture.free_all(blocks);
  row = look_at_leaks(fixture.profiler, &verdict);
  EXPECT_EQ(row.history.last(), 0);
  EXPECT_EQ(row.ages.born_in, 0U);
  EXPECT_FALSE(is_suspect(verdict.leak_class));
}

TEST(ProfilerLeaks, BlockThatGrowsIsSeenToGrow) {
  Profiled fixture;
  void* block = fixture.thread.allocate(1 << 20);
  block = fixture.thread.reallocate(block, 8 << 20);
  const LeakRow row = look_at_leaks(fixture.profiler);
  EXPECT_EQ(row.history.last(), 8 << 20);
  fixture.thread.deallocate(block);
}

}  // namespace
}  // namespace luna
