// SPDX-License-Identifier: MIT
// Waves of demand: a period at which the live bytes come back to what they were, found by
// autocorrelation, if it is not likely to be chance.
#pragma once

#include "telemetry/demand_series.hpp"

#include <cstdint>
#include <span>

namespace luna {

struct Waves {
  double correlation = 0;  // of the series with itself a period later; 0: there are no waves
  double period = 0;       // in points, or in nanoseconds
  double swing_bytes = 0;  // from the lowest to the highest point of the mean wave
  double mean_bytes = 0;
  std::uint64_t window_ns = 0;  // that was looked at
};

// What is below these is taken for chance; waves_test.cpp says how often chance is above.
inline constexpr double kLeastCorrelation = 0.6;
inline constexpr double kLeastSecond = 0.4;  // two periods later
inline constexpr std::size_t kLeastPeriods = 5;
inline constexpr std::size_t kLeastPoints = 64;
inline constexpr std::size_t kLeastPeriodPoints = 4;

// The waves in a series of points; the period is in points. Requires: there are at most
// DemandPoints::kPoints.
[[nodiscard]] Waves find_waves(std::span<const float> points) noexcept;

// The largest, times its correlation, over all steps.
[[nodiscard]] Waves find_waves(const DemandSeries& series) noexcept;

}  // namespace luna
