// SPDX-License-Identifier: MIT
// Waves that are there are found with their period; noise of many kinds has none.
#include "telemetry/waves.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

namespace luna {
namespace {

constexpr double kMs = 1e6;

// Nearly normal: mean 0, variance 1.
[[nodiscard]] double noise(test::Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.below(1 << 20)) / (1 << 20);
  return sum;
}

// A rectangle of +-1 MB around 10 MB, and noise.
[[nodiscard]] Waves waves_of(double period_ms, double noise_mb, std::uint64_t seed) {
  const auto series = std::make_unique<DemandSeries>();
  test::Random random(seed);
  for (double ms = 0; ms < 20'000; ms += 0.5) {
    const double wave = std::fmod(ms, period_ms) < period_ms / 2 ? 1 : -1;
    series->note(static_cast<std::uint64_t>(ms * kMs),
                 1e6 * (10 + wave + noise_mb * noise(random)));
  }
  return find_waves(*series);
}

TEST(Waves, PeriodAndSwingAreFound) {
  for (const double period : {7.0, 50.0, 130.0, 1000.0, 3000.0}) {
    const Waves waves = waves_of(period, 0, 1);
    EXPECT_NEAR(waves.period, period * kMs, 0.01 * period * kMs);
    EXPECT_NEAR(waves.swing_bytes, 2e6, 0.2e6) << period;
    EXPECT_NEAR(waves.mean_bytes, 10e6, 0.2e6) << period;
    EXPECT_GT(waves.correlation, 0.9) << period;
    EXPECT_GE(static_cast<double>(waves.window_ns), 5 * waves.period);
  }
}

TEST(Waves, NoiseUponThemDoesNotHideThem) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const double period : {50.0, 1000.0})
      EXPECT_NEAR(waves_of(period, 0.5, seed).period, period * kMs, 0.02 * period * kMs) << seed;
}

TEST(Waves, TrendIsNone) {
  std::vector<float> points;
  EXPECT_EQ(find_waves(points).correlation, 0);
  points.assign(256, 1e6F);
  EXPECT_EQ(find_waves(points).correlation, 0);
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = static_cast<float>(i * i);
  EXPECT_EQ(find_waves(points).correlation, 0);
}

// Each value remembers a part of the one before; with 1 it is a random walk, which looks most
// like waves. At most 1 of 1,000 may be taken for one.
TEST(Waves, NoiseHasNone) {
  int found = 0;
  int tried = 0;
  for (const double memory : {0.0, 0.5, 0.9, 0.98, 1.0}) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
      test::Random random(seed);
      std::vector<float> points(seed % 2 == 0 ? 256 : 64);
      double level = 0;
      for (float& point : points) {
        level = memory * level + noise(random);
        point = static_cast<float>(1000 + level);
      }
      ++tried;
      if (find_waves(points).correlation > 0) ++found;
    }
  }
  EXPECT_LE(found * 1000, tried);
}

// What sampling makes of a steady demand: samples come and go independently of each other.
TEST(Waves, SteadyDemandHasNone) {
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto series = std::make_unique<DemandSeries>();
    test::Random random(seed);
    const double lifetime = 10 * std::pow(4.0, static_cast<double>(seed % 5));
    double live = 0;
    for (double ms = 0; ms < 30'000; ms += 0.2) {
      const auto chance = [&](double rate) {
        return static_cast<double>(random.below(1 << 20)) < rate * (1 << 20);
      };
      if (chance(0.2 * 20 / lifetime)) ++live;
      if (chance(0.2 * live / lifetime)) --live;
      series->note(static_cast<std::uint64_t>(ms * kMs), live * 524'288);
    }
    if (find_waves(*series).correlation > 0) ++found;
  }
  EXPECT_LE(found, 1);
}

}  // namespace
}  // namespace luna
