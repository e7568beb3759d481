// SPDX-License-Identifier: MIT
// What the profiler knows of the past: the peak, growth since a mark, lifetimes and sizes.
// For what lives now, see profiler_test.cpp.
#include "os/clock.hpp"
#include "support/profiled.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace luna {
namespace {

using test::kLimits;
using test::look;
using test::Profiled;
using test::Random;

constexpr std::uint64_t kWait = 3'000'000;
constexpr std::uint64_t kLong = std::uint64_t{3600} * 1'000'000'000;

void wait() {
  for (const std::uint64_t end = os::nanoseconds() + kWait; os::nanoseconds() < end;) {
  }
}

// Sums over all sites.
struct Past {
  explicit Past(Profiler& profiler) {
    EXPECT_TRUE(profiler.with_profile([&](const Profile& profile) {
      for (std::size_t i = 0; i < profile.count; ++i) add(profile.rows[i]);
      marked_ns = profile.marked_ns;
      duration_ns = profile.duration_ns;
    }));
  }

  void add(const ProfileRow& row) {
    growth.allocated_objects += row.growth.allocated_objects;
    growth.allocated_bytes += row.growth.allocated_bytes;
    growth.live_objects += row.growth.live_objects;
    growth.live_bytes += row.growth.live_bytes;
    freed_objects += row.lifetimes.objects;
    freed_bytes += row.lifetimes.bytes;
    lifetime += row.lifetimes.nanoseconds;
    temporary_objects += row.lifetimes.temporary_objects;
    temporary_bytes += row.lifetimes.temporary_bytes;
    for (std::size_t i = 0; i < kLifetimeBuckets; ++i)
      lifetimes[i] += row.lifetimes.histogram.weights[i];
    for (std::size_t i = 0; i < kSizeBuckets; ++i) sizes[i] += row.sizes.weights[i];
  }

  // Objects that lived at least so long, and at least the bound of the bucket below.
  [[nodiscard]] float older_than(std::uint64_t nanoseconds) const {
    return std::accumulate(lifetimes.begin() + lifetime_bucket(nanoseconds), lifetimes.end(), 0.0F);
  }

  Growth growth;
  double freed_objects = 0;
  double freed_bytes = 0;
  double lifetime = 0;
  double temporary_objects = 0;
  double temporary_bytes = 0;
  std::array<float, kLifetimeBuckets> lifetimes{};
  std::array<float, kSizeBuckets> sizes{};
  std::uint64_t marked_ns = 0;
  std::uint64_t duration_ns = 0;
};

void expect_growth(const Growth& growth, const std::array<double, 4>& expected) {
  EXPECT_EQ(growth.allocated_objects, expected[0]);
  EXPECT_EQ(growth.allocated_bytes, expected[1]);
  EXPECT_EQ(growth.live_objects, expected[2]);
  EXPECT_EQ(growth.live_bytes, expected[3]);
}

TEST(ProfilerKinds, PeakOutlivesWhatMadeIt) {
  Profiled fixture;
  std::vector<void*> kept = fixture.allocate_many(10, 100);
  std::vector<void*> blocks = fixture.allocate_many(50, 1000);
  fixture.free_all(blocks);
  blocks = fixture.allocate_many(40, 1000);

  test::expect_amount(look(fixture.profiler).totals.peak, 60, 51'000);

  fixture.free_all(blocks);
  fixture.free_all(kept);
  test::expect_amount(look(fixture.profiler).totals.peak, 60, 51'000);
}

TEST(ProfilerKinds, PeakIsTheMostThatLivedOverRandomSequences) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Profiled fixture;
    Random random(seed);
    std::vector<std::pair<void*, std::size_t>> blocks;
    std::uint64_t live = 0;
    std::uint64_t most = 0;
    for (int step = 0; step < 2000; ++step) {
      const bool grows = blocks.empty() || random.below(10) < (step / 200 % 2 == 0 ? 7U : 3U);
      if (grows) {
        const std::size_t bytes = random.below(5000);
        blocks.emplace_back(fixture.thread.allocate(bytes), bytes);
        live += bytes;
      } else {
        std::swap(blocks[random.below(blocks.size())], blocks.back());
        fixture.thread.deallocate(blocks.back().first);
        live -= blocks.back().second;
        blocks.pop_back();
      }
      if (live > most) most = live;
    }
    EXPECT_EQ(look(fixture.profiler).totals.peak.sampled_bytes, most) << "seed " << seed;
    for (const auto& [block, bytes] : blocks) fixture.thread.deallocate(block);
  }
}

TEST(ProfilerKinds, PeakKnowsOfBlocksThatGrewInPlace) {
  Profiled fixture;
  void* large = fixture.thread.allocate(8 << 20);
  large = fixture.thread.reallocate(large, 64 << 20);
  large = fixture.thread.reallocate(large, 5 << 20);

  EXPECT_GE(look(fixture.profiler).totals.peak.sampled_bytes, 64U << 20);
  fixture.thread.deallocate(large);
}

TEST(ProfilerKinds, GrowthWithoutAMarkIsEverything) {
  Profiled fixture;
  std::vector<void*> blocks = fixture.allocate_many(30, 100);
  fixture.thread.deallocate(fixture.thread.allocate(50));

  const Past past(fixture.profiler);

  expect_growth(past.growth, {31, 3050, 30, 3000});
  EXPECT_EQ(past.marked_ns, 0U);
  fixture.free_all(blocks);
}

TEST(ProfilerKinds, GrowthIsTheDifferenceToTheMark) {
  Profiled fixture;
  std::vector<void*> blocks = fixture.allocate_many(30, 100);
  fixture.profiler.mark();
  expect_growth(Past(fixture.profiler).growth, {0, 0, 0, 0});
  EXPECT_GT(Past(fixture.profiler).marked_ns, 0U);
  EXPECT_LE(Past(fixture.profiler).marked_ns, Past(fixture.profiler).duration_ns);

  fixture.free_all(blocks);
  blocks = fixture.allocate_many(10, 200);  // maybe at a site that is newer than the mark

  expect_growth(Past(fixture.profiler).growth, {10, 2000, -20, -1000});
  fixture.profiler.mark();
  fixture.free_all(blocks);
  expect_growth(Past(fixture.profiler).growth, {0, 0, -10, -2000});
}

TEST(ProfilerKinds, LifetimesAreOfWhatWasFreed) {
  Profiled fixture;
  std::vector<void*> kept = fixture.allocate_many(5, 100);
  std::vector<void*> blocks = fixture.allocate_many(20, 200);
  wait();
  fixture.free_all(blocks);

  const Past past(fixture.profiler);

  EXPECT_EQ(past.freed_objects, 20.0);
  EXPECT_EQ(past.freed_bytes, 4000.0);
  EXPECT_GE(past.lifetime, 20.0 * kWait);
  EXPECT_EQ(past.older_than(kWait), 20.0F);
  EXPECT_EQ(past.temporary_objects, 0.0);  // the default is far below that wait
  fixture.free_all(kept);
}

TEST(ProfilerKinds, TemporaryIsWhatTheLimitSays) {
  Profiled fixture(1, {kLimits.table_bytes, kLimits.depth, kLong});
  std::vector<void*> kept = fixture.allocate_many(5, 100);
  for (int i = 0; i < 7; ++i) fixture.thread.deallocate(fixture.thread.allocate(300));

  const Past past(fixture.profiler);

  EXPECT_EQ(past.temporary_objects, 7.0);
  EXPECT_EQ(past.temporary_bytes, 2100.0);
  fixture.free_all(kept);
}

TEST(ProfilerKinds, BlockThatIsResizedInPlaceKeepsItsBirth) {
  Profiled fixture;
  void* small = fixture.thread.allocate(100);
  void* large = fixture.thread.allocate(8 << 20);
  wait();
  small = fixture.thread.reallocate(small, 105);
  large = fixture.thread.reallocate(large, 9 << 20);
  large = fixture.thread.reallocate(large, 64 << 20);
  fixture.thread.deallocate(small);
  fixture.thread.deallocate(large);

  EXPECT_EQ(Past(fixture.profiler).freed_objects, 2.0);
  EXPECT_EQ(Past(fixture.profiler).older_than(kWait), 2.0F);
}

TEST(ProfilerKinds, BlockThatReallocCopiesIsANewOne) {
  Profiled fixture(1, {kLimits.table_bytes, kLimits.depth, kLong});
  void* block = fixture.thread.reallocate(fixture.thread.allocate(100), 5000);

  EXPECT_EQ(Past(fixture.profiler).freed_objects, 1.0);
  EXPECT_EQ(Past(fixture.profiler).temporary_bytes, 100.0);
  fixture.thread.deallocate(block);
}

TEST(ProfilerKinds, ChildOfAForkInheritsBirthPeakAndMark) {
  Profiled fixture;
  std::vector<void*> blocks = fixture.allocate_many(10, 300);
  fixture.profiler.mark();
  wait();
  fixture.profiler.prepare_fork();
  fixture.allocator.prepare_fork();
  fixture.allocator.resume_child(&fixture.thread.heap());
  fixture.profiler.resume_child();

  fixture.free_all(blocks);

  const Past past(fixture.profiler);
  EXPECT_EQ(past.older_than(kWait), 10.0F);
  expect_growth(past.growth, {0, 0, -10, -3000});
  test::expect_amount(look(fixture.profiler).totals.peak, 10, 3000);
}

TEST(ProfilerKinds, SizesAreThoseThatWereAskedFor) {
  Profiled fixture;
  std::vector<void*> blocks;
  for (const std::size_t bytes : {0U, 16U, 17U, 100U, 128U, 129U, 5000U, 65U << 20})
    blocks.push_back(fixture.thread.allocate(bytes));
  const Past past(fixture.profiler);

  std::array<float, kSizeBuckets> expected{};
  expected[0] = 2;
  expected[1] = 1;
  expected[3] = 2;
  expected[4] = 1;
  expected[9] = 1;
  expected[kSizeBuckets - 1] = 1;
  EXPECT_EQ(past.sizes, expected);
  fixture.free_all(blocks);
  EXPECT_EQ(Past(fixture.profiler).sizes, expected);
}

TEST(ProfilerKinds, BlockThatGrewHasItsLargestSize) {
  Profiled fixture;
  void* large = fixture.thread.allocate(8 << 20);
  large = fixture.thread.reallocate(large, 60 << 20);
  large = fixture.thread.reallocate(large, 5 << 20);
  large = fixture.thread.reallocate(large, 7 << 20);  // still the same block
  std::array<float, kSizeBuckets> expected{};
  expected[size_bucket(60 << 20)] = 1;

  EXPECT_EQ(Past(fixture.profiler).sizes, expected);
  fixture.thread.deallocate(large);
}

// The sums stay those of what was allocated, whatever the weights are.
TEST(ProfilerKinds, EstimatesComeOutEven) {
  Profiled fixture(4096);
  Random random(7);
  std::vector<void*> blocks;
  for (int i = 0; i < 20'000; ++i) {
    blocks.push_back(fixture.thread.allocate(random.below(3000)));
    if (random.below(3) == 0) continue;
    std::swap(blocks[random.below(blocks.size())], blocks.back());
    fixture.thread.deallocate(blocks.back());
    blocks.pop_back();
  }
  const Totals totals = look(fixture.profiler).totals;
  const Past past(fixture.profiler);

  EXPECT_NEAR(past.freed_objects, totals.allocated.objects - totals.live.objects, 1e-3);
  EXPECT_NEAR(past.freed_bytes, totals.allocated.bytes - totals.live.bytes, 1e-3);
  EXPECT_NEAR(std::accumulate(past.lifetimes.begin(), past.lifetimes.end(), 0.0F),
              past.freed_objects, 1);
  EXPECT_NEAR(std::accumulate(past.sizes.begin(), past.sizes.end(), 0.0F), totals.allocated.objects,
              1);
  fixture.free_all(blocks);
}

}  // namespace
}  // namespace luna
