// SPDX-License-Identifier: MIT
// The cap of the time that samples take, with a clock that is ours; and that estimates stay
// right whatever the interval does.
#include "telemetry/cpu_share.hpp"

#include "support/profiled.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace luna {
namespace {

constexpr std::uint64_t kAsked = 4096;
constexpr std::uint64_t kMs = 1'000'000;

// A process with one thread that always runs, and takes some of the time for samples.
struct Played {
  explicit Played(std::uint64_t interval = kAsked, std::uint64_t cap_percent = 1) {
    share.begin(interval, cap_percent, now, cpu);
  }

  // One window, of which so many thousandths went into samples.
  std::uint64_t window(std::uint64_t per_mille, std::uint64_t cpu_part = 100) {
    now += CpuShare::kWindowNs;
    const std::uint64_t ran = CpuShare::kWindowNs / 100 * cpu_part;
    cpu += ran;
    for (std::uint64_t left = ran / 1000 * per_mille; left != 0;) {
      const std::uint64_t part = left < kMs ? left : kMs;
      share.note(part);
      left -= part;
    }
    EXPECT_EQ(share.is_due(now), share.on());
    return share.review(now, cpu);
  }

  // A process that spends what its interval makes it spend.
  std::uint64_t work(std::uint64_t per_mille_at_asked) {
    return window(per_mille_at_asked * share.asked() / interval());
  }
  std::uint64_t interval() { return share.review(now, cpu); }

  std::uint64_t now = 5'000 * kMs;
  std::uint64_t cpu = 300 * kMs;
  CpuShare share;
};

TEST(CpuShare, LeavesTheIntervalBelowTheCap) {
  Played played;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(played.window(static_cast<std::uint64_t>(i % 10)), kAsked);
  EXPECT_EQ(played.share.cost().widened, 0U);
}

TEST(CpuShare, DoublesTheIntervalAboveTheCap) {
  Played played;
  EXPECT_EQ(played.window(11), 2 * kAsked);
  EXPECT_EQ(played.window(15), 4 * kAsked);
  EXPECT_EQ(played.window(25), 16 * kAsked);    // a half would still be above it
  EXPECT_EQ(played.window(500), 128 * kAsked);  // no more than three times at once
  EXPECT_EQ(played.share.cost().widened, 4U);
  EXPECT_EQ(played.share.asked(), kAsked);
}

TEST(CpuShare, ComesToRestBelowTheCap) {
  Played played;
  for (int i = 0; i < 20; ++i) played.work(300);
  const std::uint64_t reached = played.interval();
  EXPECT_EQ(reached, 32 * kAsked);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(played.work(300), reached);
}

TEST(CpuShare, GoesBackWhenItIsCalmForSomeTime) {
  Played played;
  played.window(500);
  for (unsigned i = 1; i < CpuShare::kCalmWindows; ++i) EXPECT_EQ(played.window(1), 8 * kAsked);
  EXPECT_EQ(played.window(1), 4 * kAsked);
  for (unsigned i = 1; i < CpuShare::kCalmWindows; ++i) played.window(1);
  EXPECT_EQ(played.window(5), 4 * kAsked);  // not calm: begins to count anew
  for (unsigned i = 1; i < CpuShare::kCalmWindows; ++i) EXPECT_EQ(played.window(1), 4 * kAsked);
  EXPECT_EQ(played.window(1), 2 * kAsked);
  for (int i = 0; i < 100; ++i) played.window(0);
  EXPECT_EQ(played.interval(), kAsked);  // never below
}

TEST(CpuShare, AWindowWaitsForEnoughWork) {
  Played played;
  // 20 % for samples, but 5 ms of CPU time in each window.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(played.window(200, 10), kAsked);
  EXPECT_EQ(played.share.cost().cpu_ns, 0U);
  EXPECT_EQ(played.window(200, 10), 8 * kAsked);  // 20 ms are there
  EXPECT_EQ(played.share.cost().cpu_ns, 20 * kMs);
  EXPECT_EQ(played.share.cost().sampling_ns, 4 * kMs);
}

TEST(CpuShare, ManyThreadsAreJudgedByTheTimeOfAll) {
  Played played;
  EXPECT_EQ(played.window(9, 1600), kAsked);  // 7 ms of 0.8 s, in a twentieth of a second
  EXPECT_EQ(played.window(11, 1600), 2 * kAsked);
}

TEST(CpuShare, IsExactOrUnboundedIfThatIsAskedFor) {
  Played exact(1, 1);
  Played unbounded(kAsked, 0);
  Played stopped(0, 1);
  EXPECT_FALSE(exact.share.on());
  EXPECT_FALSE(unbounded.share.on());
  EXPECT_FALSE(stopped.share.on());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(exact.window(900), 1U);
    EXPECT_EQ(unbounded.window(900), kAsked);
  }
}

TEST(CpuShare, EndsAtTheWidestInterval) {
  Played played(CpuShare::kMaxInterval / 4);
  for (int i = 0; i < 20; ++i) EXPECT_LE(played.window(900), CpuShare::kMaxInterval);
  EXPECT_EQ(played.interval(), CpuShare::kMaxInterval);
  EXPECT_EQ(played.share.cost().widened, 1U);
}

// A thread that did not get the processor meanwhile has not used it either.
TEST(CpuShare, OneLongTimeCountsAsAMillisecond) {
  Played played(kAsked, 4);
  for (int i = 0; i < 2; ++i) played.share.note(3'600'000 * kMs);
  EXPECT_EQ(played.window(0), kAsked);
  EXPECT_EQ(played.share.cost().sampling_ns, 2 * kMs);
}

TEST(CpuShare, BeginsAnewWithWhatIsAskedFor) {
  Played played;
  played.window(500);
  played.share.begin(100, 50, played.now, 0);  // in the child of a fork the clock is at 0, too
  played.cpu = 0;
  EXPECT_EQ(played.window(499), 100U);
  EXPECT_EQ(played.share.cost().widened, 0U);
  EXPECT_EQ(played.window(501), 200U);
  played.share.begin(0, 50, played.now, played.cpu);
  EXPECT_EQ(played.share.cost().widened, 1U);  // is still told when it has stopped
}

// The interval of each sample is that it was drawn with, so that sums stay right while the
// interval goes up and down.
TEST(CpuShare, EstimatesAreRightWhileTheIntervalChanges) {
  constexpr std::array<std::uint64_t, 5> kIntervals = {4096, 8192, 65536, 32768, 16384};
  constexpr int kBlocks = 200'000;
  constexpr std::size_t kBytes = 200;
  constexpr double kBlockBytes = 208;
  test::Profiled fixture(kIntervals[0]);
  double variance = 0;
  for (int i = 0; i < kBlocks; ++i) {
    const std::uint64_t interval = kIntervals[static_cast<std::size_t>(i / 1000) % 5];
    if (i % 1000 == 0) {
      ASSERT_TRUE(fixture.profiler.start(interval, test::kLimits));
    }
    fixture.thread.deallocate(fixture.thread.allocate(kBytes));
    const double probability = 1 - std::exp(-kBlockBytes / static_cast<double>(interval));
    variance += (1 - probability) / probability;
  }
  const double objects = test::look(fixture.profiler).totals.allocated.objects;
  EXPECT_NEAR(objects, kBlocks, 5 * std::sqrt(variance));
  EXPECT_EQ(test::look(fixture.profiler).totals.live.samples, 0U);
}

// Each window ends as soon as there is a sample, with the clocks of the machine: whatever they
// say, what is told fits together.
TEST(CpuShare, TheProfilerTellsWhatItCosts) {
  test::Profiled fixture(64, {std::size_t{8} << 20, 32, 100'000, 1});
  SamplingCost cost;
  for (int round = 0; round < 2000 && cost.cpu_ns == 0; ++round) {
    for (int i = 0; i < 10'000; ++i) fixture.thread.deallocate(fixture.thread.allocate(kAsked));
    ASSERT_TRUE(fixture.profiler.with_profile([&](const Profile& profile) {
      cost = profile.cost;
      EXPECT_EQ(profile.interval_bytes, fixture.profiler.interval());
    }));
  }
  EXPECT_EQ(cost.asked_interval, 64U);
  EXPECT_GT(cost.cpu_ns, 0U);
  EXPECT_GT(cost.sampling_ns, cost.cpu_ns / 100);  // each of these blocks is a sample
  EXPECT_GE(cost.widened, 1U);
  EXPECT_GE(fixture.profiler.interval(), 128U);
}

}  // namespace
}  // namespace luna
