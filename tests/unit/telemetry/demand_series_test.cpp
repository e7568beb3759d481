// SPDX-License-Identifier: MIT
// The series against means of all that was noted.
#include "telemetry/demand_series.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

namespace luna {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

TEST(DemandSeries, PointsAreMeansOverTheirTime) {
  const auto series = std::make_unique<DemandSeries>();
  series->note(0, 100);
  series->note(kMs / 2, 300);
  series->advance(4 * kMs);

  ASSERT_EQ(series->at(0).size(), 4U);
  EXPECT_EQ(series->at(0)[0], 200);
  EXPECT_EQ(series->at(0)[3], 300);
  ASSERT_EQ(series->at(1).size(), 1U);
  EXPECT_EQ(series->at(1)[0], 275);
  EXPECT_EQ(series->at(2).size(), 0U);
}

TEST(DemandSeries, LongSilenceIsWhatWasLive) {
  const auto series = std::make_unique<DemandSeries>();
  series->note(0, 5);
  series->note(100 * kMs, 7);
  series->note(std::uint64_t{400} * 24 * 3600 * 1000 * kMs, 9);
  series->note(0, -1);  // a clock that was looked at too early, and a sum below zero
  for (std::size_t level = 0; level < DemandSeries::kLevels - 2; ++level) {
    ASSERT_EQ(series->at(level).size(), DemandPoints::kPoints) << level;
    EXPECT_EQ(series->at(level)[DemandPoints::kPoints - 1], 7) << level;
  }
}

TEST(DemandSeries, AgreesWithTheIntegralOverRandomSequences) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto series = std::make_unique<DemandSeries>();
    test::Random random(seed);
    std::vector<double> means(2000);  // of each millisecond
    std::uint64_t now = 0;
    double live = 0;
    const auto hold_until = [&](std::uint64_t end) {
      while (now < end) {
        const std::uint64_t stop = std::min(end, (now / kMs + 1) * kMs);
        means[now / kMs] += live * static_cast<double>(stop - now) / kMs;
        now = stop;
      }
    };
    while (true) {
      const std::uint64_t next = now + 1 + random.below(random.one_in(10) ? 40 * kMs : kMs);
      if (next >= 2000 * kMs) break;
      hold_until(next);
      live = static_cast<double>(random.below(1000));
      series->note(now, live);
    }
    hold_until(2000 * kMs);
    series->advance(2000 * kMs);
    for (std::size_t level = 0; level < 4; ++level) {
      const DemandPoints& points = series->at(level);
      const std::size_t step = std::size_t{1} << 2 * level;
      ASSERT_EQ(points.size(), std::min<std::size_t>(2000 / step, 256));
      const std::size_t first = 2000 / step - points.size();
      for (std::size_t i = 0; i < points.size(); ++i) {
        double mean = 0;
        for (std::size_t ms = 0; ms < step; ++ms) mean += means[(first + i) * step + ms];
        ASSERT_NEAR(points[i], mean / static_cast<double>(step), 1e-3) << seed << " " << level;
      }
    }
  }
}

}  // namespace
}  // namespace luna
