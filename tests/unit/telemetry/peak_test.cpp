// SPDX-License-Identifier: MIT
// The peak that is kept lazily against one that copies all sites whenever there is a new one.
#include "telemetry/peak.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace luna {
namespace {

using test::Random;

[[nodiscard]] Amount amount(double objects, double bytes) {
  const auto whole = static_cast<std::uint64_t>(bytes);
  return {1, objects, bytes, whole, whole};
}

void expect_same(const Amount& one, const Amount& other) {
  EXPECT_EQ(one.samples, other.samples);
  EXPECT_EQ(one.objects, other.objects);
  EXPECT_EQ(one.bytes, other.bytes);
  EXPECT_EQ(one.sampled_bytes, other.sampled_bytes);
  EXPECT_EQ(one.block_bytes, other.block_bytes);
}

struct Sites {
  explicit Sites(std::size_t count) : live(count), shares(count) {}

  void add(std::size_t site, double bytes) { change(site, {}, amount(1, bytes)); }
  void take(std::size_t site, double bytes) { change(site, amount(1, bytes), {}); }
  void change(std::size_t site, const Amount& gone, const Amount& come) {
    peak.change(live[site], shares[site], gone, come);
  }
  [[nodiscard]] const Amount& at_peak(std::size_t site) const {
    return peak.amount_of(live[site], shares[site]);
  }

  std::vector<Amount> live;
  std::vector<PeakShare> shares;
  Peak peak;
};

// The same, at the cost of all sites.
struct Naive {
  explicit Naive(std::size_t count) : live(count), at_peak(count) {}

  void change(std::size_t site, const Amount& gone, const Amount& come) {
    live[site] -= gone;
    live[site] += come;
    bytes += come.bytes - gone.bytes;
    if (bytes <= most) return;
    most = bytes;
    at_peak = live;
  }

  std::vector<Amount> live;
  std::vector<Amount> at_peak;
  double bytes = 0;
  double most = 0;
};

TEST(Peak, NothingEverIsNothing) {
  const Sites sites(1);

  EXPECT_EQ(sites.at_peak(0).bytes, 0.0);
}

TEST(Peak, IsWhatThereWasWhenAllWasMost) {
  Sites sites(2);
  sites.add(0, 100);
  sites.add(1, 50);  // the peak: 150
  sites.take(0, 100);
  sites.add(1, 60);
  sites.take(1, 50);

  EXPECT_EQ(sites.at_peak(0).bytes, 100.0);
  EXPECT_EQ(sites.at_peak(1).bytes, 50.0);
}

TEST(Peak, SiteThatDidNotChangeSinceHasWhatLives) {
  Sites sites(2);
  sites.add(0, 100);
  sites.add(1, 1);
  sites.add(1, 1);

  EXPECT_EQ(sites.at_peak(0).bytes, 100.0);
  EXPECT_EQ(sites.at_peak(1).bytes, 2.0);
}

TEST(Peak, AsMuchOnceMoreIsNoNewPeak) {
  Sites sites(2);
  sites.add(0, 100);
  sites.take(0, 100);
  sites.add(1, 100);

  EXPECT_EQ(sites.at_peak(0).bytes, 100.0);
  EXPECT_EQ(sites.at_peak(1).bytes, 0.0);
}

TEST(Peak, ChangeInOneIsNeverSeenHalf) {
  Sites sites(1);
  sites.add(0, 100);
  sites.change(0, amount(1, 100), amount(2, 90));

  EXPECT_EQ(sites.at_peak(0).objects, 1.0);
  EXPECT_EQ(sites.at_peak(0).bytes, 100.0);
}

// Weights are not whole, and sites are many or few.
TEST(Peak, SameAsANaiveOneOverRandomSequences) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const std::size_t count = 1 + random.below(20);
    Sites sites(count);
    Naive naive(count);
    std::vector<std::pair<std::size_t, Amount>> blocks;
    for (int step = 0; step < 500; ++step) {
      std::size_t site = random.below(count);
      Amount gone;
      Amount come;
      // There are times of more blocks, and of fewer.
      const bool grows = random.below(10) < (step / 50 % 2 == 0 ? 7U : 3U);
      if (!grows && !blocks.empty()) {
        std::swap(blocks[random.below(blocks.size())], blocks.back());
        site = blocks.back().first;
        gone = blocks.back().second;
        blocks.pop_back();
      }
      if (grows || random.below(8) == 0) {
        const double weight = 1 + static_cast<double>(random.below(1000)) / 7;
        come = amount(weight, weight * static_cast<double>(random.below(100)));
        blocks.emplace_back(site, come);
      }
      sites.change(site, gone, come);
      naive.change(site, gone, come);
      if (random.below(20) != 0) continue;
      for (std::size_t i = 0; i < count; ++i) expect_same(sites.at_peak(i), naive.at_peak[i]);
    }
    for (std::size_t i = 0; i < count; ++i) expect_same(sites.at_peak(i), naive.at_peak[i]);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace luna
