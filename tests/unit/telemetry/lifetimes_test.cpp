// SPDX-License-Identifier: MIT
#include "telemetry/lifetimes.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

constexpr std::uint64_t kMicrosecond = 1000;
constexpr std::uint64_t kHour = std::uint64_t{3600} * 1'000'000'000;

TEST(Lifetimes, BoundIsTheFirstOfTheNextBucket) {
  EXPECT_EQ(lifetime_bucket(0), 0U);
  for (std::size_t bucket = 0; bucket + 1 < kLifetimeBuckets; ++bucket) {
    EXPECT_EQ(lifetime_bucket(lifetime_bound_ns(bucket) - 1), bucket);
    EXPECT_EQ(lifetime_bucket(lifetime_bound_ns(bucket)), bucket + 1);
  }
}

TEST(Lifetimes, BucketsGoFromAMicrosecondToMoreThanAnHour) {
  EXPECT_EQ(lifetime_bound_ns(0), kMicrosecond);
  EXPECT_EQ(lifetime_bound_ns(1), 4 * kMicrosecond);
  EXPECT_GT(lifetime_bound_ns(kLifetimeBuckets - 2), kHour);
  EXPECT_LT(lifetime_bound_ns(kLifetimeBuckets - 3), kHour);
  EXPECT_EQ(lifetime_bucket(UINT64_MAX), kLifetimeBuckets - 1);
}

TEST(Lifetimes, SumsAreWeighted) {
  Lifetimes lifetimes;
  RoundingNoise noise;

  lifetimes.add({2.5, 250, 10 * kMicrosecond}, 0, noise);
  lifetimes.add({1, 8, 2 * kHour}, 0, noise);

  EXPECT_EQ(lifetimes.objects, 3.5);
  EXPECT_EQ(lifetimes.bytes, 258.0);
  EXPECT_EQ(lifetimes.nanoseconds, 25'000 + 2.0 * kHour);
  EXPECT_EQ(lifetimes.byte_nanoseconds, 2'500'000 + 16.0 * kHour);
  EXPECT_EQ(lifetimes.histogram.weights[2], 2.5F);
  EXPECT_EQ(lifetimes.histogram.weights[kLifetimeBuckets - 1], 1.0F);
}

TEST(Lifetimes, TemporaryIsWhatLivesNoLonger) {
  Lifetimes lifetimes;
  RoundingNoise noise;

  lifetimes.add({2, 20, 100 * kMicrosecond}, 100 * kMicrosecond, noise);
  lifetimes.add({4, 40, 100 * kMicrosecond + 1}, 100 * kMicrosecond, noise);

  EXPECT_EQ(lifetimes.temporary_objects, 2.0);
  EXPECT_EQ(lifetimes.temporary_bytes, 20.0);
  EXPECT_EQ(lifetimes.objects, 6.0);
}

}  // namespace
}  // namespace luna
