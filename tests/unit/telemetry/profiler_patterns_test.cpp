// SPDX-License-Identifier: MIT
// What the profiler notes of threads, demand and the recent past. For the rest see
// profiler_test.cpp.
#include "os/clock.hpp"
#include "support/profiled.hpp"
#include "telemetry/patterns.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::Profiled;
using test::TestThread;

struct Totals {
  explicit Totals(Profiler& profiler) {
    EXPECT_TRUE(profiler.with_profile([&](const Profile& profile) {
      ASSERT_NE(profile.patterns, nullptr);
      own = profile.patterns->pairs.own_bytes();
      crossed = profile.patterns->pairs.crossed_bytes();
      for (const ThreadPair& found : profile.patterns->pairs.pairs())
        if (found.from != 0) pairs.push_back(found);
      for (std::size_t i = 0; i < profile.count; ++i) {
        elsewhere += profile.rows[i].activity.elsewhere_bytes;
        recent += profile.rows[i].activity.recent;
      }
      points = profile.patterns->demand.at(0).size();
    }));
  }

  double own = 0;
  double crossed = 0;
  double elsewhere = 0;
  Tally recent;
  std::size_t points = 0;
  std::vector<ThreadPair> pairs;
};

void free_in_other_thread(Profiled& fixture, std::vector<void*>& blocks) {
  std::thread([&] {
    TestThread other(fixture.allocator);
    for (void* block : blocks) other.deallocate(block);
    fixture.profiler.end_thread();
  }).join();
  blocks.clear();
}

TEST(ProfilerPatterns, WhoFreesWhat) {
  Profiled fixture;
  std::vector<void*> given = fixture.allocate_many(30, 100);
  std::vector<void*> own = fixture.allocate_many(20, 100);
  fixture.free_all(own);
  free_in_other_thread(fixture, given);
  given = fixture.allocate_many(5, 200);
  free_in_other_thread(fixture, given);  // perhaps at the address of the first

  const Totals totals(fixture.profiler);

  EXPECT_EQ(totals.own, 2000);
  EXPECT_EQ(totals.crossed, 4000);
  EXPECT_EQ(totals.elsewhere, 4000);
  ASSERT_EQ(totals.pairs.size(), 2U);
  EXPECT_EQ(totals.pairs[0].bytes + totals.pairs[1].bytes, 4000);
  EXPECT_NE(totals.pairs[0].to, totals.pairs[1].to);
}

// What is asked for within the window of the first blocks sees all of them: unless the thread
// had to wait for so long, and then once more.
TEST(ProfilerPatterns, RecentIsWhatCameJustNow) {
  constexpr std::uint64_t kWindowNs = 200'000'000;
  std::optional<Profiled> fixture;
  std::optional<Totals> asked;
  std::uint64_t began = 0;
  do {
    began = os::nanoseconds();
    fixture.emplace();
    std::vector<void*> blocks = fixture->allocate_many(30, 100);
    fixture->free_all(blocks);
    asked.emplace(fixture->profiler);
  } while (os::nanoseconds() - began > kWindowNs);
  const Totals& now = *asked;
  os::sleep_milliseconds(600);
  const Totals later(fixture->profiler);

  EXPECT_EQ(now.recent.samples, 30U);
  EXPECT_EQ(now.recent.freed, 30U);
  EXPECT_EQ(now.recent.bytes, 3000);
  EXPECT_EQ(later.recent.samples, 0U);
  EXPECT_GE(later.points, 200U);  // of 1 ms
}

TEST(ProfilerPatterns, BytesBetweenThreadsAreRightOnTheAverage) {
  constexpr int kSeeds = 100;
  double sum = 0;
  double squares = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Profiled fixture(10'000);
    std::vector<void*> given = fixture.allocate_many(2000, 500);
    free_in_other_thread(fixture, given);
    const double crossed = Totals(fixture.profiler).crossed;
    sum += crossed;
    squares += crossed * crossed;
  }
  const double mean = sum / kSeeds;
  const double error = std::sqrt((squares / kSeeds - mean * mean) / kSeeds);
  EXPECT_NEAR(mean, 2000 * 500, 5 * error);
  EXPECT_LT(error, 20'000);
}

}  // namespace
}  // namespace luna
