// SPDX-License-Identifier: MIT
// Which blocks are sampled, that the estimates made of them are right on the average, and
// what becomes of samples. The observer is the test's own; for the profiler see telemetry/.
#include "support/one_thread.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::TestThread;

// Remembers what it is told.
struct Recorder {
  static bool allocated(void* self, const SampledBlock& block) noexcept {
    auto& recorder = *static_cast<Recorder*>(self);
    if (recorder.refuses) return false;
    recorder.live[block.memory] = block;
    ++recorder.count;
    const double p = probability(block.block_bytes, block.interval);
    recorder.objects += 1 / p;
    recorder.bytes += static_cast<double>(block.bytes) / p;
    return true;
  }
  static bool freed(void* self, void* memory) noexcept {
    return static_cast<Recorder*>(self)->live.erase(memory) != 0;
  }
  static bool resized(void* self, const SampledBlock& block) noexcept {
    static_cast<Recorder*>(self)->live.at(block.memory).bytes = block.bytes;
    return true;
  }
  static void moved(void* self, void* from, void* to) noexcept {
    auto& live = static_cast<Recorder*>(self)->live;
    const SampledBlock block = live.at(from);
    live.erase(from);
    live[to] = block;
  }

  static double probability(std::size_t bytes, std::uint64_t interval) {
    if (interval == 1) return 1;
    return -std::expm1(-static_cast<double>(bytes) / static_cast<double>(interval));
  }

  [[nodiscard]] SampleObserver observer() { return {this, allocated, freed, resized, moved}; }

  std::map<void*, SampledBlock> live;
  std::size_t count = 0;
  double objects = 0;  // that the samples stand for
  double bytes = 0;
  bool refuses = false;
};

struct Sampling : test::OneThread {
  explicit Sampling(std::uint64_t interval, std::uint64_t seed = 1) {
    EXPECT_TRUE(allocator.begin_sampling(recorder.observer()));
    allocator.set_sampling_interval(interval, seed);
  }

  Recorder recorder;
};

TEST(Sampling, EveryBlockIsASampleIfAskedFor) {
  Sampling fixture(1);
  std::vector<void*> blocks;
  for (const std::size_t bytes : {1U, 16U, 100U, 1000U, 5000U, 16384U, 20000U, 200000U, 300000U,
                                  1U << 20, 9U << 20, 80U << 20}) {
    blocks.push_back(fixture.thread.allocate(bytes));
    ASSERT_EQ(fixture.recorder.live.count(blocks.back()), 1U) << bytes;
    EXPECT_EQ(fixture.recorder.live[blocks.back()].bytes, bytes);
    EXPECT_GE(fixture.recorder.live[blocks.back()].block_bytes, bytes);
    test::write_pattern(static_cast<std::byte*>(blocks.back()), bytes, bytes);
  }
  EXPECT_EQ(fixture.recorder.live.size(), blocks.size());

  for (void* block : blocks) fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.recorder.live.size(), 0U);
  fixture.thread.heap().verify();
  fixture.allocator.pages().verify();
}

// Lists that are given back are drawn anew, whatever is left in them: else a thread of a few
// blocks passes on that a sample is near, but not that it is far.
TEST(Sampling, ShortThreadsAreNotSampledMoreOften) {
  constexpr std::size_t kBytes = 512;
  constexpr std::uint64_t kInterval = 4096;
  constexpr int kThreads = 20'000;
  Sampling fixture(kInterval, 7);
  for (int i = 0; i < kThreads; ++i) {
    void* first = fixture.thread.allocate(kBytes);
    void* second = fixture.thread.allocate(kBytes);
    fixture.thread.deallocate(first);
    fixture.thread.deallocate(second);
    fixture.thread.park();
    fixture.thread.attach();
  }
  const double p = Recorder::probability(kBytes, kInterval);
  const double deviation = std::sqrt(2 * kThreads * (1 - p) / p);
  EXPECT_NEAR(fixture.recorder.objects, 2 * kThreads, 4 * deviation);
}

TEST(Sampling, NoBlockIsASampleAfterTheEnd) {
  Sampling fixture(1);
  void* sampled = fixture.thread.allocate(100);
  fixture.allocator.set_sampling_interval(0, 1);
  for (int i = 0; i < 1000; ++i) fixture.thread.deallocate(fixture.thread.allocate(100));
  EXPECT_EQ(fixture.recorder.count, 1U);
  EXPECT_EQ(fixture.recorder.live.size(), 1U);

  fixture.thread.deallocate(sampled);

  EXPECT_EQ(fixture.recorder.live.size(), 0U);
}

TEST(Sampling, BlockIsNoneIfTheObserverHasNoRoom) {
  Sampling fixture(1);
  fixture.recorder.refuses = true;
  std::vector<void*> blocks;
  for (const std::size_t bytes : {100U, 20000U, 1U << 20}) {
    blocks.push_back(fixture.thread.allocate(bytes));
    test::write_pattern(static_cast<std::byte*>(blocks.back()), bytes, bytes);
  }
  for (void* block : blocks) fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.recorder.count, 0U);
  fixture.thread.heap().verify();
}

TEST(SamplingDeathTest, SampleFreedTwiceIsReported) {
  Sampling fixture(1);
  void* block = fixture.thread.allocate(100);
  void* other = fixture.thread.allocate(100);
  fixture.thread.deallocate(block);
  fixture.thread.deallocate(other);

  EXPECT_DEATH(fixture.thread.deallocate(block), "double free");
}

TEST(Sampling, ThreadThatNeverLeavesTheFastPathComesByOnceItBegins) {
  test::OneThread fixture;
  Recorder recorder;
  for (int i = 0; i < 100; ++i) fixture.thread.deallocate(fixture.thread.allocate(64));
  ASSERT_TRUE(fixture.allocator.begin_sampling(recorder.observer()));
  fixture.allocator.set_sampling_interval(1, 1);

  EXPECT_EQ(fixture.thread.cache().try_allocate(64), nullptr);
  fixture.thread.deallocate(fixture.thread.allocate(64));
  EXPECT_EQ(recorder.count, 1U);
}

TEST(Sampling, PairsAreSampledAsOftenAsTheirBytesSay) {
  Sampling fixture(100'000);
  for (int i = 0; i < 1'000'000; ++i) fixture.thread.deallocate(fixture.thread.allocate(64));

  EXPECT_NEAR(static_cast<double>(fixture.recorder.count), 640, 5 * std::sqrt(640));
}

TEST(Sampling, ResizedSampleIsToldOf) {
  Sampling fixture(1);
  void* small = fixture.thread.allocate(100);
  void* large = fixture.thread.allocate(8 << 20);
  EXPECT_FALSE(fixture.allocator.fits(small, 101));
  EXPECT_EQ(fixture.allocator.resize(&fixture.thread.heap(), small, 101), small);
  EXPECT_EQ(fixture.recorder.live[small].bytes, 101U);
  EXPECT_EQ(fixture.allocator.resize(&fixture.thread.heap(), small, 1000), nullptr);

  for (const std::size_t bytes : {9U << 20, 64U << 20, 5U << 20}) {
    void* moved = fixture.allocator.resize(&fixture.thread.heap(), large, bytes);
    ASSERT_NE(moved, nullptr);
    EXPECT_EQ(fixture.recorder.live.size(), 2U);
    EXPECT_EQ(fixture.recorder.live[moved].bytes, bytes);
    large = moved;
  }
  fixture.thread.deallocate(large);
  fixture.thread.deallocate(small);
  EXPECT_EQ(fixture.recorder.live.size(), 0U);
}

TEST(Sampling, SamplesKeepTheirAlignmentAndAreZeroIfAskedFor) {
  Sampling fixture(1);
  for (const std::size_t alignment : {16U, 64U, 256U, 4096U, 16384U, 1U << 21}) {
    void* block = fixture.allocator.allocate_aligned(fixture.thread.heap(), alignment, 100);
    EXPECT_EQ(address_of(block) % alignment, 0U);
    EXPECT_EQ(fixture.recorder.live.count(block), 1U);
    fixture.thread.deallocate(block);
  }
  for (const std::size_t bytes : {100U, 5000U, 20000U, 1U << 20}) {
    for (int i = 0; i < 3; ++i) {
      void* block = fixture.allocator.allocate_zeroed(fixture.thread.heap(), bytes);
      EXPECT_TRUE(test::is_zero(static_cast<std::byte*>(block), bytes));
      test::write_pattern(static_cast<std::byte*>(block), bytes, 1);
      fixture.thread.deallocate(block);
    }
  }
  EXPECT_EQ(fixture.recorder.live.size(), 0U);
}

TEST(Sampling, OtherThreadsMayFreeSamples) {
  Sampling fixture(1);
  const std::vector<void*> blocks = fixture.allocate_many(1000, 100);
  EXPECT_EQ(fixture.recorder.live.size(), 1000U);
  std::thread([&] {
    TestThread other(fixture.allocator);
    for (void* block : blocks) other.deallocate(block);
  }).join();

  EXPECT_EQ(fixture.recorder.live.size(), 0U);
}

TEST(Sampling, BlocksOfEndedThreadsDoNotBecomeSamples) {
  test::OneThread fixture;
  Recorder recorder;
  std::vector<void*> blocks;
  {
    TestThread ended(fixture.allocator);
    for (int i = 0; i < 100; ++i) blocks.push_back(ended.allocate(1000));
    for (int i = 0; i < 50; ++i) {
      ended.deallocate(blocks.back());
      blocks.pop_back();
    }
  }
  ASSERT_TRUE(fixture.allocator.begin_sampling(recorder.observer()));
  fixture.allocator.set_sampling_interval(1, 1);
  for (int i = 0; i < 100; ++i) blocks.push_back(fixture.thread.allocate(1000));
  EXPECT_EQ(recorder.live.size(), 100U);

  for (void* block : blocks) fixture.thread.deallocate(block);

  EXPECT_EQ(recorder.live.size(), 0U);
}

// What one run of a mixture of sizes, in random order with frees between, is estimated at.
struct Mixture {
  explicit Mixture(std::uint64_t seed) : fixture(kInterval, seed), random(seed) {
    std::vector<void*> live;
    for (int i = 0; i < 30'000; ++i) {
      // One in a hundred up to 1 MiB, and those are kept: so that runs come fresh as well as
      // out of lists.
      const bool large = random.below(100) == 0;
      const std::size_t bytes =
          (std::size_t{1} << (large ? 14 + random.below(6) : random.below(14))) + random.below(100);
      if (large) {
        kept.push_back(fixture.thread.allocate(bytes));
        note(bytes);
        continue;
      }
      live.push_back(fixture.thread.allocate(bytes));
      note(bytes);
      if (random.below(3) == 0 || live.size() <= 1) continue;
      std::swap(live[random.below(live.size())], live.back());
      fixture.thread.deallocate(live.back());
      live.pop_back();
    }
    for (void* block : live) fixture.thread.deallocate(block);
    for (void* block : kept) fixture.thread.deallocate(block);
  }

  void note(std::size_t bytes) {
    const std::size_t room =
        bytes <= kMaxSmallBytes ? block_bytes(size_class_of(bytes)) : pages_for(bytes) * kPageBytes;
    const double p = Recorder::probability(room, kInterval);
    const auto exact = static_cast<double>(bytes);
    objects += 1;
    bytes_sum += exact;
    objects_variance += (1 - p) / p;
    bytes_variance += exact * exact * (1 - p) / p;
  }

  // Errors in standard deviations.
  [[nodiscard]] double objects_error() const {
    return (fixture.recorder.objects - objects) / std::sqrt(objects_variance);
  }
  [[nodiscard]] double bytes_error() const {
    return (fixture.recorder.bytes - bytes_sum) / std::sqrt(bytes_variance);
  }

  static constexpr std::uint64_t kInterval = 64 * 1024;
  Sampling fixture;
  test::Random random;
  std::vector<void*> kept;
  double objects = 0;
  double bytes_sum = 0;
  double objects_variance = 0;
  double bytes_variance = 0;
};

// The mean error of many runs has a standard deviation of one over the root of their number:
// so a bias far below the spread of a single run is seen.
TEST(Sampling, EstimatesAreUnbiased) {
  constexpr int kRuns = 200;
  double objects = 0;
  double bytes = 0;
  int far = 0;
  for (int seed = 1; seed <= kRuns; ++seed) {
    const Mixture run(static_cast<std::uint64_t>(seed));
    objects += run.objects_error() / kRuns;
    bytes += run.bytes_error() / kRuns;
    if (std::abs(run.objects_error()) > 3) ++far;
    if (std::abs(run.bytes_error()) > 3) ++far;
    EXPECT_EQ(run.fixture.recorder.live.size(), 0U);
  }
  EXPECT_LT(std::abs(objects), 3 / std::sqrt(kRuns));
  EXPECT_LT(std::abs(bytes), 3 / std::sqrt(kRuns));
  EXPECT_LE(far, 2 * kRuns / 100);
}

}  // namespace
}  // namespace luna
