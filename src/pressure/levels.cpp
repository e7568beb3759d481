// SPDX-License-Identifier: MIT
#include "pressure/levels.hpp"

namespace luna {

namespace {

constexpr double kNever = 1000;

// Percent of the last 10 s in which some task, or all of them, waited for memory. A judgement,
// by no measurement: systemd-oomd kills at 60 % of all. What the whole machine waits for may be
// another's want, and so is never critical.
constexpr PressureThresholds kSomeWait = {10, 30, kNever};
constexpr PressureThresholds kAllWait = {5, 10, 30};
constexpr PressureThresholds kAllOfMachineWait = {5, 10, kNever};

[[nodiscard]] constexpr luna_pressure_level one_less(luna_pressure_level level) noexcept {
  return static_cast<luna_pressure_level>(level - 1);
}

[[nodiscard]] luna_pressure_level level_at(double percent,
                                           const PressureThresholds& thresholds) noexcept {
  if (percent >= thresholds.critical) return LUNA_PRESSURE_CRITICAL;
  if (percent >= thresholds.moderate) return LUNA_PRESSURE_MODERATE;
  return percent >= thresholds.low ? LUNA_PRESSURE_LOW : LUNA_PRESSURE_NONE;
}

[[nodiscard]] double percent_of(const os::StallTimes& times) noexcept {
  return times.last_10_s == os::kUnknown ? 0 : static_cast<double>(times.last_10_s) / 100;
}

[[nodiscard]] luna_pressure_source source_of(os::LimitKind kind) noexcept {
  if (kind == os::LimitKind::kNone) return LUNA_PRESSURE_FROM_NOTHING;
  return kind == os::LimitKind::kCgroup ? LUNA_PRESSURE_FROM_CGROUP
                                        : LUNA_PRESSURE_FROM_PROCESS_LIMIT;
}

// Small thresholds leave less room below them.
[[nodiscard]] double fall_below(double threshold) noexcept {
  const double half = threshold / 2;
  return half > PressureLadder::kFall ? threshold - PressureLadder::kFall : half;
}

}  // namespace

luna_pressure_level PressureLadder::note(double percent,
                                         const PressureThresholds& thresholds) noexcept {
  const luna_pressure_level reached = level_at(percent, thresholds);
  if (reached > level_) level_ = reached;
  while (level_ > reached && percent < fall_below(thresholds.of(level_))) level_ = one_less(level_);
  return level_;
}

PressureState PressureLevels::note(const PressureReading& reading,
                                   const PressureThresholds& thresholds) noexcept {
  PressureState state;
  state.level = limit_.note(reading.limit.percent(), thresholds);
  if (state.level != LUNA_PRESSURE_NONE) state.source = source_of(reading.limit.kind);
  state.used = reading.limit.used;
  state.limit = reading.limit.limit;
  double own_percent = 0;
  if (reading.own_limit != 0)
    own_percent =
        static_cast<double>(reading.own_bytes) * 100 / static_cast<double>(reading.own_limit);
  if (const luna_pressure_level level = own_.note(own_percent, thresholds); level > state.level)
    state = {level, LUNA_PRESSURE_FROM_OWN_LIMIT, reading.own_bytes, reading.own_limit};
  if (const luna_pressure_level level = note_stall(reading); level > state.level) {
    state.level = level;
    state.source = LUNA_PRESSURE_FROM_STALL;
  }
  if (reading.sign.is_told && reading.sign.level > state.level) {
    state.level = reading.sign.level;
    state.source = reading.sign.source;
  }
  if (reading.refused && state.level < LUNA_PRESSURE_CRITICAL) {
    state.level = LUNA_PRESSURE_CRITICAL;
    state.source = LUNA_PRESSURE_FROM_REFUSAL;
  }
  return state;
}

luna_pressure_level PressureLevels::note_stall(const PressureReading& reading) noexcept {
  const luna_pressure_level some = some_.note(percent_of(reading.stall.some), kSomeWait);
  const luna_pressure_level full = full_.note(percent_of(reading.stall.full),
                                              reading.is_own_stall ? kAllWait : kAllOfMachineWait);
  return some > full ? some : full;
}

}  // namespace luna
