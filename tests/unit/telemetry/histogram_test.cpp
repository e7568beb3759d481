// SPDX-License-Identifier: MIT
#include "telemetry/histogram.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

constexpr float kNoMoreOnes = 16'777'216;  // 2^24: the next float is by 2 larger

TEST(Histogram, WeightsAreExactWhereAFloatIs) {
  Histogram<3> histogram;
  RoundingNoise noise;

  for (int i = 0; i < 100'000; ++i) histogram.add(1, 1, noise);
  histogram.add(2, 0.25, noise);

  EXPECT_EQ(histogram.weights[0], 0.0F);
  EXPECT_EQ(histogram.weights[1], 100'000.0F);
  EXPECT_EQ(histogram.weights[2], 0.25F);
}

TEST(Histogram, GrowsByOnesBeyondThePrecisionOfAFloat) {
  constexpr int kOnes = 1'000'000;
  Histogram<1> histogram;
  RoundingNoise noise;
  histogram.weights[0] = 4 * kNoMoreOnes;  // floats are 8 apart

  for (int i = 0; i < kOnes; ++i) histogram.add(0, 1, noise);

  EXPECT_NEAR(histogram.weights[0], 4 * kNoMoreOnes + kOnes, 0.001 * kOnes);
}

// The noise must not keep step with what is added in turns.
TEST(Histogram, BucketsInTurnsGrowAlike) {
  constexpr int kOnes = 500'000;
  Histogram<4> histogram;
  RoundingNoise noise;
  histogram.weights.fill(2 * kNoMoreOnes);

  for (int i = 0; i < kOnes; ++i)
    for (std::size_t bucket = 0; bucket < 4; ++bucket) histogram.add(bucket, 1, noise);

  for (const float weight : histogram.weights)
    EXPECT_NEAR(weight, 2 * kNoMoreOnes + kOnes, 0.001 * kOnes);
}

TEST(Histogram, WhatWasAddedCanBeTakenBack) {
  Histogram<1> histogram;
  RoundingNoise noise;
  histogram.add(0, 1.1, noise);
  histogram.add(0, 5, noise);
  histogram.add(0, -5, noise);
  EXPECT_NEAR(histogram.weights[0], 1.1F, 1e-6F);

  histogram.add(0, -1.2, noise);

  EXPECT_EQ(histogram.weights[0], 0.0F);  // and nothing below
}

TEST(Histogram, RoundsToANeighbourOnly) {
  RoundingNoise noise;
  for (int i = 0; i < 1000; ++i) {
    const float rounded = rounded_at_random(kNoMoreOnes + 1.0, noise);
    EXPECT_TRUE(rounded == kNoMoreOnes || rounded == kNoMoreOnes + 2) << rounded;
    EXPECT_EQ(rounded_at_random(0.75, noise), 0.75F);
  }
}

}  // namespace
}  // namespace luna
