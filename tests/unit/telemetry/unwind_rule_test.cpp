// SPDX-License-Identifier: MIT
#include "telemetry/unwind_rule.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

// As the compilers of this machine write them: where rbp, or x29 and x30, are saved.
[[nodiscard]] UnwindRule frame_of(std::int32_t bytes) {
  UnwindRule rule;
  rule.kind = RuleKind::kFromSp;
  rule.cfa_offset = bytes;
  rule.fp = {true, Machine::kReturnAddressIsExtra ? -bytes : -16};
  if (Machine::kReturnAddressIsExtra) rule.extra = {true, 8 - bytes};
  return rule;
}

TEST(UnwindRule, ComesBackAsItWas) {
  for (const std::int32_t bytes : {16, 32, 128, 4096, 16320}) {
    EXPECT_NE(pack(frame_of(bytes)), 0U);
    EXPECT_EQ(unpack(pack(frame_of(bytes))), frame_of(bytes));
  }
}

TEST(UnwindRule, ThroughTheFramePointerItMaySaveAtZero) {
  UnwindRule rule;
  rule.kind = RuleKind::kThroughFp;
  rule.cfa_offset = -8;
  rule.fp = {true, Machine::kReturnAddressIsExtra ? -8 : 0};
  rule.extra = {true, Machine::kReturnAddressIsExtra ? 0 : -40};

  EXPECT_EQ(unpack(pack(rule)), rule);
}

TEST(UnwindRule, NothingIsSavedInALeaf) {
  UnwindRule rule;
  rule.kind = RuleKind::kFromSp;
  rule.cfa_offset = 8;

  EXPECT_EQ(unpack(pack(rule)), rule);
}

TEST(UnwindRule, FitsWithRoomForTheAddress) {
  EXPECT_EQ(pack(frame_of(16320)) >> kPackedRuleBits, 0U);
  UnwindRule negative = frame_of(16);
  negative.cfa_offset = -32;
  EXPECT_EQ(pack(negative) >> kPackedRuleBits, 0U);
}

TEST(UnwindRule, WhatIsTooLargeIsNotPacked) {
  EXPECT_EQ(pack(frame_of(32768)), 0U);
  EXPECT_EQ(pack(frame_of(20)), 0U);
  UnwindRule far_away = frame_of(64);
  far_away.extra = {true, -32768};
  EXPECT_EQ(pack(far_away), 0U);
}

}  // namespace
}  // namespace luna
