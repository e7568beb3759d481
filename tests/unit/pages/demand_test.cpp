// SPDX-License-Identifier: MIT
// When demand counts as a row of waves, and for how long the next one is waited for.
// Time is what the test says.
#include "pages/demand.hpp"

#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

constexpr std::uint64_t kDecayMs = 1000;
constexpr std::uint64_t kLookMs = 50;
constexpr std::size_t kBase = 100'000;
constexpr std::size_t kSwing = 25'000;

struct Waves {
  explicit Waves(std::size_t base = kBase) : low(base) {
    demand.note(low);
    look();
  }

  void look() {
    demand.look(now_ms, kDecayMs, low);
    now_ms += kLookMs;
  }

  // Returns for how long a wave was expected.
  std::uint64_t pass(std::uint64_t ms) {
    std::uint64_t expected_ms = 0;
    for (const std::uint64_t end = now_ms + ms; now_ms < end;) {
      look();
      if (demand.expected() != 0) expected_ms += kLookMs;
    }
    return expected_ms;
  }

  // A wave that comes and goes between two looks, and what follows until the next.
  std::uint64_t wave(std::uint64_t period_ms, std::size_t swing = kSwing) {
    demand.note(low + swing);
    return pass(period_ms);
  }

  void waves(int count, std::uint64_t period_ms, std::size_t swing = kSwing) {
    for (int i = 0; i < count; ++i) static_cast<void>(wave(period_ms, swing));
  }

  Demand demand;
  std::size_t low;
  std::uint64_t now_ms = 100'000;
};

TEST(Demand, PeakIsRememberedForTwoDecayTimesAtMost) {
  Waves fixture;
  fixture.demand.note(kBase + kSwing);
  fixture.pass(kDecayMs / 2);
  EXPECT_EQ(fixture.demand.recent_peak(), kBase + kSwing);

  fixture.pass(2 * kDecayMs);

  EXPECT_EQ(fixture.demand.recent_peak(), kBase);
}

TEST(Demand, NothingIsExpectedAfterTwoWaves) {
  Waves fixture;
  fixture.pass(10 * kDecayMs);
  EXPECT_EQ(fixture.wave(kDecayMs), 0U);
  EXPECT_EQ(fixture.wave(kDecayMs), 0U);
}

TEST(Demand, AfterThreeWavesTheFourthIsExpected) {
  for (const std::uint64_t period_ms : {500U, 1000U, 2000U, 4000U}) {
    Waves fixture;
    fixture.pass(10 * kDecayMs);
    fixture.waves(2, period_ms);

    EXPECT_EQ(fixture.wave(period_ms), period_ms);
    EXPECT_EQ(fixture.demand.expected(), kBase + kSwing);
    EXPECT_EQ(fixture.demand.recent_peak(), kBase + kSwing);
    EXPECT_EQ(fixture.wave(period_ms), period_ms);
  }
}

TEST(Demand, WaveThatDoesNotComeIsNotExpectedForLong) {
  for (const std::uint64_t period_ms : {500U, 1000U, 2000U, 4000U}) {
    Waves fixture;
    fixture.pass(10 * kDecayMs);
    fixture.waves(5, period_ms);

    const std::uint64_t expected_ms = fixture.pass(10 * kDecayMs);

    EXPECT_GT(expected_ms, 0U);
    EXPECT_LT(period_ms + expected_ms, 5 * kDecayMs);
    EXPECT_EQ(fixture.demand.recent_peak(), kBase);
    // What was known is forgotten: three waves again.
    EXPECT_EQ(fixture.wave(period_ms), 0U);
    EXPECT_EQ(fixture.wave(period_ms), 0U);
    EXPECT_EQ(fixture.wave(period_ms), period_ms);
  }
}

TEST(Demand, RareWavesAreNeverExpected) {
  Waves fixture;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fixture.wave(6 * kDecayMs), 0U);
}

TEST(Demand, RipplesAreNoWaves) {
  Waves fixture;
  fixture.pass(10 * kDecayMs);
  fixture.waves(10, kDecayMs, 2000);

  EXPECT_EQ(fixture.demand.expected(), 0U);
}

TEST(Demand, RipplesBetweenWavesDoNotCount) {
  Waves fixture;
  fixture.pass(10 * kDecayMs);
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(fixture.wave(500));
    static_cast<void>(fixture.wave(500, 5000));
  }

  EXPECT_EQ(fixture.wave(1000), 1000U);
  EXPECT_EQ(fixture.demand.expected(), kBase + kSwing);
}

TEST(Demand, GrowthWithoutAFallIsNoWave) {
  Waves fixture(0);
  for (int i = 0; i < 100; ++i) {
    fixture.low += kSwing;
    fixture.demand.note(fixture.low);
    fixture.look();
    EXPECT_EQ(fixture.demand.expected(), 0U);
  }
}

TEST(Demand, WavesOnALargeHeapCount) {
  Waves fixture(100 * kBase);
  fixture.waves(3, kDecayMs);

  EXPECT_EQ(fixture.demand.expected(), 100 * kBase + kSwing);
}

TEST(Demand, HighestOfTheLastTwoIsExpected) {
  Waves fixture;
  fixture.pass(10 * kDecayMs);
  fixture.waves(3, kDecayMs);
  fixture.waves(1, kDecayMs, 2 * kSwing);
  fixture.waves(1, kDecayMs, kSwing + kSwing / 2);

  EXPECT_EQ(fixture.demand.expected(), kBase + 2 * kSwing);
}

// 32 MiB that come and go, on 4 that stay.
struct WavesOfPages : test::TestPages {
  void wave(std::uint64_t period_ms) {
    std::vector<std::byte*> runs;
    for (int i = 0; i < 64; ++i) {
      runs.push_back(take(128));
      test::make_dirty(runs.back(), 128);
    }
    for (std::byte* run : runs) heap.put(run);
    pass(period_ms);
  }

  void pass(std::uint64_t ms) {
    for (const std::uint64_t end = now_ms + ms; now_ms < end; now_ms += 10)
      heap.tick(now_ms, kDecayMs);
  }

  static constexpr std::size_t kWaveBytes = std::size_t{64} * 128 * kPageBytes;

  std::byte* base = take(1024);
  std::uint64_t now_ms = 100'000;
};

TEST(Demand, PagesOfTheFirstWavesGoBack) {
  WavesOfPages fixture;
  for (int i = 0; i < 2; ++i) {
    fixture.wave(3 * kDecayMs);
    EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  }
}

TEST(Demand, PagesAreKeptWhileWavesGoOn) {
  WavesOfPages fixture;
  for (int i = 0; i < 8; ++i) {
    fixture.wave(3 * kDecayMs);
    EXPECT_EQ(fixture.heap.usage().dirty, i < 2 ? 0 : WavesOfPages::kWaveBytes);
  }

  fixture.pass(2 * kDecayMs);  // five decay times after the last wave

  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  fixture.heap.verify();
}

TEST(Demand, TrimGivesBackWhatIsExpected) {
  WavesOfPages fixture;
  for (int i = 0; i < 4; ++i) fixture.wave(kDecayMs);
  EXPECT_EQ(fixture.heap.usage().dirty, WavesOfPages::kWaveBytes);

  EXPECT_EQ(fixture.heap.trim(0), WavesOfPages::kWaveBytes);
}

}  // namespace
}  // namespace luna
