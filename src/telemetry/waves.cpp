// SPDX-License-Identifier: MIT
#include "telemetry/waves.hpp"

#include <array>
#include <cstddef>

namespace luna {

namespace {

constexpr std::size_t kPoints = DemandPoints::kPoints;
constexpr std::size_t kMaxBins = kPoints / kLeastPeriods + 1;

// Points less the straight line through them, which least squares draw.
struct Detrended {
  explicit Detrended(std::span<const float> points) noexcept : count(points.size()) {
    const auto n = static_cast<double>(count);
    double sum = 0;
    double moment = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sum += static_cast<double>(points[i]);
      moment += static_cast<double>(points[i]) * (static_cast<double>(i) - (n - 1) / 2);
    }
    mean = sum / n;
    const double slope = moment * 12 / (n * (n * n - 1));
    for (std::size_t i = 0; i < count; ++i)
      values[i] =
          static_cast<double>(points[i]) - mean - slope * (static_cast<double>(i) - (n - 1) / 2);
  }

  // Of the points with those `lag` later, over the parts that overlap: -1 to 1.
  [[nodiscard]] double correlation(std::size_t lag) const noexcept {
    double product = 0;
    double squares = 0;
    for (std::size_t i = lag; i < count; ++i) {
      product += values[i] * values[i - lag];
      squares += (values[i] * values[i] + values[i - lag] * values[i - lag]) / 2;
    }
    return squares > 0 ? product / squares : 0;
  }

  std::size_t count;
  double mean = 0;
  std::array<double, kPoints> values;
};

struct Correlations {
  explicit Correlations(const Detrended& series) noexcept : count(series.count / 2) {
    for (std::size_t lag = 0; lag < count; ++lag) values[lag] = series.correlation(lag);
  }

  // The lag from `first` up to `end`, without that, at which they are most.
  [[nodiscard]] std::size_t highest(std::size_t first, std::size_t end) const noexcept {
    std::size_t best = first;
    for (std::size_t lag = first; lag < end && lag < count; ++lag)
      if (values[lag] > values[best]) best = lag;
    return best;
  }

  // Where the parabola through a peak and its neighbours is highest.
  [[nodiscard]] double exact(std::size_t lag) const noexcept {
    const auto whole = static_cast<double>(lag);
    if (lag == 0 || lag + 1 >= count) return whole;
    const double bend = 2 * values[lag] - values[lag - 1] - values[lag + 1];
    return bend > 0 ? whole + (values[lag + 1] - values[lag - 1]) / 2 / bend : whole;
  }

  std::size_t count;
  std::array<double, kPoints / 2> values;
};

// The first peak behind the first trough: a series is always like itself a moment later.
// 0: there is none.
[[nodiscard]] std::size_t find_peak(const Correlations& found, std::size_t points) noexcept {
  std::size_t lag = 1;
  while (lag < found.count && found.values[lag] > 0) ++lag;
  const std::size_t end = points / kLeastPeriods + 1;
  if (lag >= end) return 0;
  std::size_t peak = found.highest(lag, end);
  // A multiple of the period is nearly as good as it.
  for (std::size_t parts = 6; parts >= 2; --parts) {
    const std::size_t near = peak / parts;
    if (near <= lag) continue;
    const std::size_t part = found.highest(near - near / 8 - 1, near + near / 8 + 3);
    if (part > lag && found.values[part] > 0.85 * found.values[peak]) return part;
  }
  return peak;
}

// From peak to peak, over as many periods as there are peaks.
[[nodiscard]] double refine(const Correlations& found, std::size_t peak) noexcept {
  double period = found.exact(peak);
  for (std::size_t times = 2; times <= 8; ++times) {
    const auto expected = static_cast<std::size_t>(period * static_cast<double>(times) + 0.5);
    const std::size_t reach = peak / 4 + 1;
    if (expected + reach + 1 >= found.count) break;
    const std::size_t lag = found.highest(expected - reach, expected + reach + 1);
    if (found.values[lag] < kLeastSecond) break;
    period = found.exact(lag) / static_cast<double>(times);
  }
  return period;
}

// All periods laid upon each other: from the lowest to the highest point of their mean.
[[nodiscard]] double swing_of(const Detrended& series, double period) noexcept {
  std::array<double, kMaxBins> sums{};
  std::array<std::uint32_t, kMaxBins> counts{};
  const auto bins = static_cast<std::size_t>(period);
  for (std::size_t i = 0; i < series.count; ++i) {
    const double periods = static_cast<double>(i) / period;
    const double phase = periods - static_cast<double>(static_cast<std::size_t>(periods));
    auto bin = static_cast<std::size_t>(phase * static_cast<double>(bins));
    if (bin >= bins) bin = bins - 1;
    sums[bin] += series.values[i];
    ++counts[bin];
  }
  double low = 0;
  double high = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double mean = counts[bin] != 0 ? sums[bin] / counts[bin] : 0;
    if (mean < low) low = mean;
    if (mean > high) high = mean;
  }
  return high - low;
}

}  // namespace

Waves find_waves(std::span<const float> points) noexcept {
  if (points.size() < kLeastPoints) return {};
  const Detrended series(points);
  const Correlations found(series);
  const std::size_t peak = find_peak(found, points.size());
  if (peak < kLeastPeriodPoints || found.values[peak] < kLeastCorrelation) return {};
  const std::size_t reach = peak / 4 + 1;
  const std::size_t second = found.highest(2 * peak - reach, 2 * peak + reach + 1);
  if (found.values[second] < kLeastSecond) return {};
  const double period = refine(found, peak);
  if (!(period >= 2) || period >= static_cast<double>(kMaxBins)) return {};
  return {found.values[peak], period, swing_of(series, period), series.mean, 0};
}

Waves find_waves(const DemandSeries& series) noexcept {
  Waves best;
  for (std::size_t level = 0; level < DemandSeries::kLevels; ++level) {
    const DemandPoints& points = series.at(level);
    std::array<float, kPoints> values;
    for (std::size_t i = 0; i < points.size(); ++i) values[i] = points[i];
    Waves waves = find_waves(std::span<const float>(values.data(), points.size()));
    // What a coarser step leaves of fast waves is regular too, but small.
    if (waves.correlation * waves.swing_bytes <= best.correlation * best.swing_bytes) continue;
    const auto step = static_cast<double>(DemandSeries::step_ns(level));
    waves.period *= step;
    waves.window_ns = points.size() * DemandSeries::step_ns(level);
    best = waves;
  }
  return best;
}

}  // namespace luna
