// SPDX-License-Identifier: MIT
#include "telemetry/amounts.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace luna {
namespace {

TEST(Amounts, EstimatesAreRoundedToTheNearest) {
  EXPECT_EQ(rounded(0.4), 0U);
  EXPECT_EQ(rounded(0.5), 1U);
  EXPECT_EQ(rounded(1.49), 1U);
  EXPECT_EQ(rounded(0.49999999999999994), 0U);
  EXPECT_EQ(rounded(9007199254740993.0), 9007199254740992U);
}

TEST(Amounts, WhatIsNoCountBecomesOne) {
  EXPECT_EQ(rounded(-1), 0U);
  EXPECT_EQ(rounded(std::numeric_limits<double>::quiet_NaN()), 0U);
  EXPECT_EQ(rounded(1e30), std::uint64_t{INT64_MAX});
}

TEST(Amounts, DifferencesAreRoundedOnBothSidesAlike) {
  EXPECT_EQ(rounded_signed(2.5), 3);
  EXPECT_EQ(rounded_signed(-2.5), -3);
  EXPECT_EQ(rounded_signed(-0.4), 0);
  EXPECT_EQ(rounded_signed(-1e30), -INT64_MAX);
  EXPECT_EQ(rounded_signed(std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(Amounts, TotalsAreSumsOverAllRows) {
  const test::SampleProfile sample;

  const Totals totals = totals_of(sample.profile);

  EXPECT_EQ(totals.allocated.samples, 8U);
  EXPECT_EQ(totals.allocated.sampled_bytes, 3'000'477U);
  EXPECT_DOUBLE_EQ(totals.allocated.objects, 44.4);
  EXPECT_EQ(totals.live.samples, 3U);
  EXPECT_DOUBLE_EQ(totals.live.bytes, 2'098'152.4);
  EXPECT_EQ(totals.peak.samples, 5U);
  EXPECT_DOUBLE_EQ(totals.peak.bytes, 3'147'728.4);
}

}  // namespace
}  // namespace luna
