// SPDX-License-Identifier: MIT
#include "pressure/levels.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

constexpr PressureThresholds kThresholds;

TEST(PressureLadder, RisesAtTheThresholdsAtOnce) {
  PressureLadder ladder;

  EXPECT_EQ(ladder.note(69.9, kThresholds), LUNA_PRESSURE_NONE);
  EXPECT_EQ(ladder.note(70, kThresholds), LUNA_PRESSURE_LOW);
  EXPECT_EQ(ladder.note(85, kThresholds), LUNA_PRESSURE_MODERATE);
  EXPECT_EQ(ladder.note(95, kThresholds), LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(ladder.note(120, kThresholds), LUNA_PRESSURE_CRITICAL);
}

TEST(PressureLadder, FallsOnlyWellBelow) {
  PressureLadder ladder;
  ladder.note(95, kThresholds);

  EXPECT_EQ(ladder.note(90, kThresholds), LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(ladder.note(89.9, kThresholds), LUNA_PRESSURE_MODERATE);
  EXPECT_EQ(ladder.note(80, kThresholds), LUNA_PRESSURE_MODERATE);
  EXPECT_EQ(ladder.note(66, kThresholds), LUNA_PRESSURE_LOW);
  EXPECT_EQ(ladder.note(64.9, kThresholds), LUNA_PRESSURE_NONE);
}

TEST(PressureLadder, SkipsLevels) {
  PressureLadder ladder;

  EXPECT_EQ(ladder.note(99, kThresholds), LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(ladder.note(0, kThresholds), LUNA_PRESSURE_NONE);
}

TEST(PressureLadder, AFallStopsWhereTheUseIs) {
  PressureLadder ladder;
  ladder.note(99, kThresholds);

  EXPECT_EQ(ladder.note(86, kThresholds), LUNA_PRESSURE_MODERATE);
}

TEST(PressureLadder, FallsFromSmallThresholdsToo) {
  constexpr PressureThresholds kSmall = {5, 50, 90};
  PressureLadder ladder;

  EXPECT_EQ(ladder.note(6, kSmall), LUNA_PRESSURE_LOW);
  EXPECT_EQ(ladder.note(3, kSmall), LUNA_PRESSURE_LOW);
  EXPECT_EQ(ladder.note(2, kSmall), LUNA_PRESSURE_NONE);
}

[[nodiscard]] PressureReading of_limit(os::LimitKind kind, std::uint64_t used) {
  PressureReading reading;
  reading.limit = {kind, used, 1000};
  return reading;
}

// All of the time in hundredths of a percent.
[[nodiscard]] PressureReading of_stall(std::uint64_t some, std::uint64_t full, bool is_own) {
  PressureReading reading;
  reading.stall.some.last_10_s = some;
  reading.stall.full.last_10_s = full;
  reading.is_own_stall = is_own;
  return reading;
}

TEST(PressureLevels, NothingKnownIsNoPressure) {
  PressureLevels levels;
  const PressureState state = levels.note({}, kThresholds);

  EXPECT_EQ(state.level, LUNA_PRESSURE_NONE);
  EXPECT_EQ(state.source, LUNA_PRESSURE_FROM_NOTHING);
  EXPECT_EQ(state.limit, 0U);
}

TEST(PressureLevels, TellsWhichLimitItIs) {
  PressureLevels levels;
  const PressureState cgroup = levels.note(of_limit(os::LimitKind::kCgroup, 860), kThresholds);
  const PressureState space = levels.note(of_limit(os::LimitKind::kAddressSpace, 960), kThresholds);

  EXPECT_EQ(cgroup.level, LUNA_PRESSURE_MODERATE);
  EXPECT_EQ(cgroup.source, LUNA_PRESSURE_FROM_CGROUP);
  EXPECT_EQ(cgroup.used, 860U);
  EXPECT_EQ(cgroup.limit, 1000U);
  EXPECT_EQ(space.level, LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(space.source, LUNA_PRESSURE_FROM_PROCESS_LIMIT);
}

TEST(PressureLevels, BelowAllThresholdsTheUseIsTold) {
  PressureLevels levels;
  const PressureState state = levels.note(of_limit(os::LimitKind::kCgroup, 10), kThresholds);

  EXPECT_EQ(state.source, LUNA_PRESSURE_FROM_NOTHING);
  EXPECT_EQ(state.used, 10U);
  EXPECT_EQ(state.limit, 1000U);
}

TEST(PressureLevels, TheHighestLevelWins) {
  PressureLevels levels;
  PressureReading reading = of_limit(os::LimitKind::kCgroup, 710);
  reading.own_bytes = 190;
  reading.own_limit = 200;
  const PressureState state = levels.note(reading, kThresholds);

  EXPECT_EQ(state.level, LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(state.source, LUNA_PRESSURE_FROM_OWN_LIMIT);
  EXPECT_EQ(state.used, 190U);
  EXPECT_EQ(state.limit, 200U);
}

TEST(PressureLevels, OneSourceDoesNotHoldAnotherUp) {
  PressureLevels levels;
  PressureReading reading = of_limit(os::LimitKind::kCgroup, 960);
  reading.own_bytes = 10;
  reading.own_limit = 100;
  ASSERT_EQ(levels.note(reading, kThresholds).level, LUNA_PRESSURE_CRITICAL);

  reading.limit.used = 100;
  reading.own_bytes = 86;

  EXPECT_EQ(levels.note(reading, kThresholds).level, LUNA_PRESSURE_MODERATE);
}

TEST(PressureLevels, WaitsForMemoryArePressure) {
  PressureLevels levels;

  EXPECT_EQ(levels.note(of_stall(900, 0, true), kThresholds).level, LUNA_PRESSURE_NONE);
  EXPECT_EQ(levels.note(of_stall(1000, 0, true), kThresholds).level, LUNA_PRESSURE_LOW);
  EXPECT_EQ(levels.note(of_stall(1000, 1000, true), kThresholds).level, LUNA_PRESSURE_MODERATE);
  const PressureState state = levels.note(of_stall(5000, 3000, true), kThresholds);
  EXPECT_EQ(state.level, LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(state.source, LUNA_PRESSURE_FROM_STALL);
}

TEST(PressureLevels, WhatTheMachineWaitsForIsNeverCritical) {
  PressureLevels levels;

  EXPECT_EQ(levels.note(of_stall(10000, 10000, false), kThresholds).level, LUNA_PRESSURE_MODERATE);
}

TEST(PressureLevels, ARefusalIsCriticalForOneLook) {
  PressureLevels levels;
  PressureReading reading = of_limit(os::LimitKind::kCgroup, 10);
  reading.refused = true;
  const PressureState state = levels.note(reading, kThresholds);
  reading.refused = false;

  EXPECT_EQ(state.level, LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(state.source, LUNA_PRESSURE_FROM_REFUSAL);
  EXPECT_EQ(levels.note(reading, kThresholds).level, LUNA_PRESSURE_NONE);
}

TEST(PressureLevels, AHigherLevelThatIsToldCounts) {
  PressureLevels levels;
  PressureReading reading = of_limit(os::LimitKind::kCgroup, 860);
  reading.sign = {true, LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_FROM_SYSTEMD};
  EXPECT_EQ(levels.note(reading, kThresholds).source, LUNA_PRESSURE_FROM_CGROUP);
  reading.sign.level = LUNA_PRESSURE_CRITICAL;
  const PressureState state = levels.note(reading, kThresholds);

  EXPECT_EQ(state.level, LUNA_PRESSURE_CRITICAL);
  EXPECT_EQ(state.source, LUNA_PRESSURE_FROM_SYSTEMD);
  EXPECT_EQ(state.used, 860U);
}

}  // namespace
}  // namespace luna
