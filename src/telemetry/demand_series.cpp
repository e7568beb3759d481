// SPDX-License-Identifier: MIT
#include "telemetry/demand_series.hpp"

namespace luna {

// The steps of a level end where those of the finer ones end too, so the first level that has
// no end up to now is followed by none.
void DemandSeries::close(std::uint64_t now_ns) noexcept {
  for (std::size_t level = 0; level < kLevels; ++level) {
    const std::uint64_t step = step_ns(level);
    const std::uint64_t steps = now_ns / step;
    if (steps <= levels_[level].count) break;
    close_level(levels_[level], steps, step);
  }
  next_ns_ = (now_ns / kFirstStepNs + 1) * kFirstStepNs;
}

// What was live since the last note has been so all the time; of a long silence only the points
// that are kept are written.
void DemandSeries::close_level(DemandPoints& points, std::uint64_t steps,
                               std::uint64_t step) noexcept {
  const auto integral_at = [&](std::uint64_t end) noexcept {
    return integral_ + live_ * (static_cast<double>(end * step) - static_cast<double>(last_ns_));
  };
  const double first = integral_at(points.count + 1);
  const double mean = (first - points.begin) / static_cast<double>(step);
  points.means[points.count % DemandPoints::kPoints] = static_cast<float>(mean > 0 ? mean : 0);
  ++points.count;
  if (steps - points.count > DemandPoints::kPoints) points.count = steps - DemandPoints::kPoints;
  for (; points.count < steps; ++points.count)
    points.means[points.count % DemandPoints::kPoints] = static_cast<float>(live_);
  points.begin = integral_at(steps);
}

}  // namespace luna
