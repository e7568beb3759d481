// SPDX-License-Identifier: MIT
#include "telemetry/anomalies.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace luna {
namespace {

constexpr std::uint64_t kInterval = 524'288;

// A site that allocated for 100 s, the last 10 of which are recent.
struct Played {
  Played() {
    row.activity.recent_ms = 10'000;
    row.activity.past_ms = 90'000;
    row.activity.slots = 16;
    row.activity.busy_slots = 16;
    profile.rows = &row;
    profile.count = 1;
    profile.interval_bytes = kInterval;
  }
  Played(const Played&) = delete;
  Played& operator=(const Played&) = delete;

  void allocate(bool is_recent, double size) {
    const double weight = 1 / -std::expm1(-size / static_cast<double>(kInterval));
    row.allocated += {1, weight, size * weight, static_cast<std::uint64_t>(size), 0};
    row.sizes.add(size_bucket(static_cast<std::uint64_t>(size)), weight, rounding);
    if (!is_recent) return;
    Tally& recent = row.activity.recent;
    ++recent.samples;
    recent.objects += static_cast<float>(weight);
    recent.bytes += static_cast<float>(size * weight);
  }

  void allocate_and_free(bool is_recent, double size, double lifetime) {
    allocate(is_recent, size);
    const double weight = 1 / -std::expm1(-size / static_cast<double>(kInterval));
    row.lifetimes.add({weight, size * weight, static_cast<std::uint64_t>(lifetime)}, 0, rounding);
    if (!is_recent) return;
    Tally& recent = row.activity.recent;
    ++recent.freed;
    recent.freed_objects += static_cast<float>(weight);
    recent.lifetime_ns += static_cast<float>(weight * lifetime);
  }

  void allocate(int before, int recent, double size) {
    for (int i = 0; i < before; ++i) allocate(false, size);
    for (int i = 0; i < recent; ++i) allocate(true, size);
  }

  [[nodiscard]] Anomalies found() const { return find_anomalies(profile); }

  ProfileRow row;
  Profile profile;
  RoundingNoise rounding;
};

[[nodiscard]] double exponential(test::Random& random) {
  return -std::log((static_cast<double>(random.below(1 << 30)) + 0.5) / (1 << 30));
}

TEST(Anomalies, EvidenceIsThatOfPoisson) {
  EXPECT_NEAR(rate_evidence(10, 1, 90, 9), 0, 1e-9);
  // 2 (100 ln (100 / 19) + 90 ln (90 / 171))
  EXPECT_NEAR(rate_evidence(100, 1, 90, 9), 216.6, 0.1);
  EXPECT_NEAR(rate_evidence(0, 1, 90, 9), 18.96, 0.01);
  EXPECT_EQ(rate_evidence(0, 1, 0, 9), 0);
}

TEST(Anomalies, RateThatRoseTenfold) {
  Played played;
  played.allocate(90, 100, 1000);

  const Anomalies found = played.found();

  ASSERT_EQ(found.count, 1U);
  const Anomaly& anomaly = found.list[0];
  EXPECT_EQ(anomaly.kind, AnomalyKind::kRate);
  EXPECT_NEAR(anomaly.now / anomaly.before, 10, 0.01);
  EXPECT_NEAR(anomaly.now, 100 * 524'788 / 10.0, 1000);
  EXPECT_EQ(anomaly.samples, 100U);
  EXPECT_EQ(anomaly.samples_before, 90U);
  EXPECT_EQ(anomaly.recent_ns, 10'000'000'000U);
}

TEST(Anomalies, RateThatFellToNothing) {
  Played played;
  played.allocate(900, 0, 1000);
  ASSERT_EQ(played.found().count, 1U);
  EXPECT_EQ(played.found().list[0].now, 0);
}

TEST(Anomalies, FewSamplesShowNothing) {
  Played played;
  played.allocate(19, 500, 1000);
  EXPECT_EQ(played.found().count, 0U);
}

TEST(Anomalies, NewAndIrregularSitesHaveNoPast) {
  Played played;
  played.allocate(90, 100, 1000);
  played.row.activity.busy_slots = 11;
  EXPECT_EQ(played.found().count, 0U);
  played.row.activity.busy_slots = 16;
  played.row.activity.past_ms = 19'999;
  EXPECT_EQ(played.found().count, 0U);
}

TEST(Anomalies, SizesThatGrew) {
  Played played;
  played.allocate(900, 0, 1000);
  played.allocate(0, 100, 10'000);
  const Anomalies found = played.found();
  ASSERT_EQ(found.count, 1U);
  EXPECT_EQ(found.list[0].kind, AnomalyKind::kSize);
  EXPECT_NEAR(found.list[0].now, 10'000, 1);
  EXPECT_NEAR(found.list[0].before, 1000, 1);
}

TEST(Anomalies, LivesThatBecameLonger) {
  Played played;
  for (int i = 0; i < 900; ++i) played.allocate_and_free(false, 1000, 1e6);
  for (int i = 0; i < 100; ++i) played.allocate_and_free(true, 1000, 1e8);
  const Anomalies found = played.found();
  ASSERT_EQ(found.count, 1U);
  EXPECT_EQ(found.list[0].kind, AnomalyKind::kLifetime);
  EXPECT_NEAR(found.list[0].now, 1e8, 1e3);
  EXPECT_NEAR(found.list[0].before, 1e6, 1e3);
  EXPECT_EQ(found.list[0].samples_before, 900U);
}

TEST(Anomalies, TwentyStrongestAreKept) {
  std::vector<ProfileRow> rows;
  for (int i = 0; i < 40; ++i) {
    Played played;
    played.allocate(90, 100 + (i * 7) % 40, 1000);
    rows.push_back(played.row);
  }
  Profile profile;
  profile.rows = rows.data();
  profile.count = rows.size();
  profile.interval_bytes = kInterval;
  const Anomalies found = find_anomalies(profile);
  ASSERT_EQ(found.count, Anomalies::kMost);
  for (std::size_t i = 0; i < found.count; ++i)
    EXPECT_EQ(found.list[i].samples, 139 - i) << "place " << i;
}

// Sites that do not change: sizes and lives of one kind, or over four powers of ten, and from
// 20 to 2,000 samples. At most 1 of 1,000 may be called changed.
TEST(Anomalies, NoiseIsNone) {
  int found = 0;
  int tried = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    test::Random random(seed);
    Played played;
    const double samples = 20 * std::pow(10.0, static_cast<double>(seed % 3));
    const bool is_wide = seed % 2 == 0;
    for (double at = exponential(random) / samples; at < 1; at += exponential(random) / samples) {
      const double size = is_wide ? 16 * std::exp(random.below(9)) : 1000;
      const double lifetime = is_wide ? 1e4 * std::exp(random.below(9)) : 1e6 * exponential(random);
      played.allocate_and_free(at > 0.9, size, lifetime);
    }
    ++tried;
    if (played.found().count != 0) ++found;
  }
  EXPECT_LE(found * 1000, tried);
}

}  // namespace
}  // namespace luna
