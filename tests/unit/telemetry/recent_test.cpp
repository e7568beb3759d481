// SPDX-License-Identifier: MIT
#include "telemetry/recent.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

TEST(RecentTally, IsSmall) { EXPECT_LE(sizeof(RecentTally), 56U); }

TEST(RecentTally, KnowsOneToTwoWindows) {
  RecentTally recent{};
  recent.note_allocated(100, 2, 200);
  recent.note_freed(260, 2, 50);
  EXPECT_EQ(recent.at(499).samples, 1U);
  EXPECT_EQ(recent.at(499).freed, 1U);
  EXPECT_EQ(recent.at(499).bytes, 200);
  EXPECT_EQ(recent.at(499).lifetime_ns, 100);
  EXPECT_EQ(recent.since_ms(), 0U);
  EXPECT_EQ(recent.at(500).samples, 0U);
  EXPECT_EQ(recent.at(500).freed, 1U);
  EXPECT_EQ(recent.since_ms(), 250U);
  EXPECT_EQ(recent.at(10'000).freed, 0U);
}

TEST(RecentTally, WindowsGrowWithTheProfile) {
  EXPECT_EQ(RecentTally::shift_at(7999), 0U);
  EXPECT_EQ(RecentTally::shift_at(8000), 1U);
  EXPECT_EQ(RecentTally::shift_at(127'999), 4U);
  EXPECT_EQ(RecentTally::shift_at(128'000), 5U);
  EXPECT_EQ(RecentTally::shift_at(UINT32_MAX), 5U);
}

// What it has is just what came since the time it says, which is one to two windows ago, or
// half of one where windows have just grown.
TEST(RecentTally, HasAllSinceThatTimeOverRandomSequences) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    test::Random random(seed);
    RecentTally recent{};
    std::vector<std::uint64_t> times;
    std::uint64_t now = random.below(20'000);
    for (int i = 0; i < 3000; ++i) {
      now += random.below(random.one_in(50) ? 20'000 : 100);
      recent.note_allocated(now, 1, 10);
      times.push_back(now);
      if (random.one_in(3)) now += random.below(600);
      const Tally tally = recent.at(now);
      std::uint32_t expected = 0;
      for (const std::uint64_t time : times) expected += time >= recent.since_ms() ? 1 : 0;
      ASSERT_EQ(tally.samples, expected) << seed << " at " << now;
      ASSERT_EQ(tally.bytes, static_cast<float>(10 * expected));
      const std::uint64_t window = RecentTally::kUnitMs << RecentTally::shift_at(now);
      ASSERT_LE(recent.since_ms() + window / 2, std::max(now, window / 2)) << seed << " at " << now;
      ASSERT_GE(recent.since_ms() + 2 * window, now) << seed;
    }
  }
}

}  // namespace
}  // namespace luna
