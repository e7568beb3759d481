// SPDX-License-Identifier: MIT
#include "telemetry/thread_pairs.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace luna {
namespace {

[[nodiscard]] ThreadPair find(const ThreadPairs& pairs, std::uint32_t from, std::uint32_t to) {
  for (const ThreadPair& pair : pairs.pairs())
    if (pair.from == from && pair.to == to) return pair;
  return {};
}

TEST(ThreadPairs, FewAreExact) {
  ThreadPairs pairs{};
  pairs.add(1, 2, 3, 300);
  pairs.add(2, 1, 1, 10);
  pairs.add(1, 2, 2, 200);
  pairs.add(1, 1, 5, 50);
  pairs.add(0, 1, 1, 7);
  pairs.add(1, 0, 1, 7);

  EXPECT_EQ(find(pairs, 1, 2).objects, 5);
  EXPECT_EQ(find(pairs, 1, 2).bytes, 500);
  EXPECT_EQ(find(pairs, 2, 1).bytes, 10);
  EXPECT_EQ(find(pairs, 1, 1).from, 0U);
  EXPECT_EQ(pairs.own_bytes(), 50);
  EXPECT_EQ(pairs.crossed_bytes(), 510);
  EXPECT_EQ(pairs.unknown_bytes(), 14);
  EXPECT_EQ(pairs.merges(), 0U);
}

TEST(ThreadPairs, BlocksWithoutBytesDoNoHarm) {
  ThreadPairs pairs{};
  for (std::uint32_t from = 1; from < 1000; ++from) pairs.add(from, from + 1, 1, 0);
  EXPECT_EQ(pairs.crossed_bytes(), 0);
  pairs.add(1, 3, 1, 100);
  EXPECT_EQ(find(pairs, 1, 3).bytes, 100);
}

// A heavy pair among 2,000 small ones: its bytes and objects are right on the average, and
// the sum of all is right each time.
TEST(ThreadPairs, ManyAreRightOnTheAverage) {
  constexpr int kSeeds = 400;
  double heavy_bytes = 0;
  double light_bytes = 0;
  double light_objects = 0;
  double light_squares = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ThreadPairs pairs{};
    test::Random random(seed);
    const auto offset = static_cast<std::uint32_t>(random.below(1'000'000)) * 4000;
    double all = 0;
    for (int i = 0; i < 20'000; ++i) {
      const bool is_heavy = random.one_in(4);
      const auto from = static_cast<std::uint32_t>(is_heavy ? 1 : 2 + random.below(2000));
      const double bytes = is_heavy ? 100 : 50;
      pairs.add(offset + from, offset + 3000, 2, bytes);
      all += bytes;
    }
    double sum = 0;
    double light = 0;
    for (const ThreadPair& pair : pairs.pairs()) {
      sum += pair.bytes;
      if (pair.from > offset + 1 && pair.from <= offset + 200) {
        light += pair.bytes;
        light_objects += pair.objects;
      }
    }
    EXPECT_NEAR(sum, all, 1e-6 * all);
    EXPECT_GT(pairs.merges(), 0U);
    heavy_bytes += find(pairs, offset + 1, offset + 3000).bytes;
    light_bytes += light;
    light_squares += light * light;
  }
  EXPECT_NEAR(heavy_bytes / kSeeds, 5000 * 100, 0.01 * 5000 * 100);
  // 199 of the 2,000 small ones: 15,000 x 199 / 2,000 times 50 bytes and two objects.
  const double mean = light_bytes / kSeeds;
  const double error = std::sqrt((light_squares / kSeeds - mean * mean) / kSeeds);
  EXPECT_NEAR(mean, 1492.5 * 50, 4 * error);
  EXPECT_NEAR(light_objects / kSeeds, 1492.5 * 2, 4 * error / 25);
}

}  // namespace
}  // namespace luna
