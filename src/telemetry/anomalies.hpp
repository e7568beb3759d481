// SPDX-License-Identifier: MIT
// Sites that do not behave as they did before: in how much they allocate in a second, in the
// size of their blocks, or in how long these live.
#pragma once

#include "telemetry/profile.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

enum class AnomalyKind : std::uint8_t { kRate, kSize, kLifetime };

struct Anomaly {
  std::size_t site = 0;  // its row
  AnomalyKind kind = AnomalyKind::kRate;
  double now = 0;  // bytes in a second, bytes, or nanoseconds
  double before = 0;
  std::uint64_t samples = 0;  // that `now` is from
  std::uint64_t samples_before = 0;
  std::uint64_t recent_ns = 0;  // `now` is the mean over so long
  double strength = 0;          // how unlikely it is by chance: squares of standard deviations
};

struct Anomalies {
  static constexpr std::size_t kMost = 20;
  std::array<Anomaly, kMost> list;  // the strongest first
  std::size_t count = 0;
};

// Below these it is chance, or not worth a word; see docs/telemetry.md.
inline constexpr double kLeastFactor = 3;           // more, or less
inline constexpr double kLeastStrength = 36;        // six standard deviations
inline constexpr std::uint64_t kLeastSamples = 20;  // on each side, but a rate may fall to none

// Twice the logarithm of how much likelier the counts are with a rate for each of two times
// than with one for both, if events come independently of each other.
[[nodiscard]] double rate_evidence(double now, double now_time, double before,
                                   double before_time) noexcept;

[[nodiscard]] Anomalies find_anomalies(const Profile& profile) noexcept;

}  // namespace luna
