// SPDX-License-Identifier: MIT
// The profiler on an allocator of its own: amounts, and what happens when its tables are full.
// For the law by which samples are drawn see heap/sampling_test.cpp; for many threads,
// profiler_threads_test.cpp.
#include "support/pattern.hpp"
#include "support/profiled.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace luna {
namespace {

using test::expect_amount;
using test::Found;
using test::kLimits;
using test::kTiny;
using test::look;
using test::Profiled;
using test::Random;
using test::TestThread;

TEST(Profiler, HasNothingBeforeItBegins) {
  test::OneThread fixture;
  Profiler profiler(fixture.allocator);
  EXPECT_FALSE(profiler.begun());
  EXPECT_FALSE(profiler.running());
  profiler.stop();
  EXPECT_EQ(look(profiler).sites, 0U);
  EXPECT_FALSE(profiler.start(1, {1024, 8}));
  EXPECT_FALSE(profiler.begun());
  EXPECT_EQ(profiler.interval(), 0U);
  fixture.thread.deallocate(fixture.thread.allocate(100));
  EXPECT_EQ(look(profiler).sites, 0U);

  EXPECT_TRUE(profiler.start(1, kLimits));

  fixture.thread.deallocate(fixture.thread.allocate(100));
  expect_amount(look(profiler).totals.allocated, 1, 100);
}

TEST(Profiler, AmountsAreExactIfEveryBlockIsSampled) {
  Profiled fixture;
  std::vector<void*> blocks;
  std::uint64_t bytes = 0;
  for (const std::size_t size : {0U, 1U, 16U, 100U, 1024U, 1025U, 16384U, 16385U, 32768U, 40000U,
                                 300000U, 1U << 20, 9U << 20, 80U << 20}) {
    blocks.push_back(fixture.thread.allocate(size));
    blocks.push_back(fixture.thread.allocate_zeroed(size));
    bytes += 2 * size;
  }
  const std::size_t count = blocks.size();
  expect_amount(look(fixture.profiler).totals.allocated, count, bytes);
  expect_amount(look(fixture.profiler).totals.live, count, bytes);

  fixture.free_all(blocks);

  expect_amount(look(fixture.profiler).totals.allocated, count, bytes);
  expect_amount(look(fixture.profiler).totals.live, 0, 0);
}

TEST(Profiler, OneStackIsOneSite) {
  Profiled fixture;
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(fixture.thread.allocate(100));
  const std::size_t sites = look(fixture.profiler).sites;
  EXPECT_GE(sites, 1U);
  EXPECT_LE(sites, 3U);  // the slow path is reached from a few places
  for (int i = 0; i < 1000; ++i) fixture.thread.deallocate(fixture.thread.allocate(200));
  EXPECT_LE(look(fixture.profiler).sites, 2 * sites + 1);
  fixture.free_all(blocks);
}

TEST(Profiler, StoppedItFollowsWhatLives) {
  Profiled fixture;
  void* kept = fixture.thread.allocate(100);
  void* large = fixture.thread.allocate(1 << 20);
  fixture.profiler.stop();
  EXPECT_FALSE(fixture.profiler.running());
  EXPECT_TRUE(fixture.profiler.begun());
  std::vector<void*> blocks = fixture.allocate_many(100, 100);
  expect_amount(look(fixture.profiler).totals.allocated, 2, 100 + (1 << 20));
  EXPECT_EQ(look(fixture.profiler).interval, 1U);

  fixture.thread.deallocate(kept);
  expect_amount(look(fixture.profiler).totals.live, 1, 1 << 20);
  fixture.thread.deallocate(large);
  expect_amount(look(fixture.profiler).totals.live, 0, 0);
  fixture.free_all(blocks);
}

TEST(Profiler, GoesOnWhenItIsStartedAgain) {
  Profiled fixture;
  std::vector<void*> blocks;
  for (int round = 1; round <= 20; ++round) {
    blocks.push_back(fixture.thread.allocate(64));
    fixture.profiler.stop();
    blocks.push_back(fixture.thread.allocate(64));  // seen by nobody
    ASSERT_TRUE(fixture.profiler.start(1, kLimits));
    expect_amount(look(fixture.profiler).totals.live, static_cast<std::uint64_t>(round),
                  static_cast<std::uint64_t>(round) * 64);
  }
  fixture.free_all(blocks);
  expect_amount(look(fixture.profiler).totals.live, 0, 0);
}

// Whatever interval a block was sampled at, its free takes away what its allocation gave.
TEST(Profiler, NothingIsLeftAfterChangesOfTheInterval) {
  Profiled fixture;
  Random random(1);
  std::vector<void*> blocks;
  for (int i = 0; i < 400; ++i) {
    constexpr std::array<std::uint64_t, 6> kIntervals = {1, 2, 100, 4096, 100'000, 1 << 30};
    if (i % 16 == 15) {
      fixture.profiler.stop();
    } else {
      ASSERT_TRUE(fixture.profiler.start(kIntervals[random.below(kIntervals.size())], kLimits));
    }
    for (int k = 0; k < 50; ++k) blocks.push_back(fixture.thread.allocate(random.below(40'000)));
    for (int k = 0; k < 40; ++k) {
      std::swap(blocks[random.below(blocks.size())], blocks.back());
      fixture.thread.deallocate(blocks.back());
      blocks.pop_back();
    }
  }
  fixture.free_all(blocks);

  const Amount live = look(fixture.profiler).totals.live;
  EXPECT_EQ(live.samples, 0U);
  EXPECT_EQ(live.sampled_bytes, 0U);
  EXPECT_EQ(rounded(live.objects), 0U);
  EXPECT_EQ(rounded(std::abs(live.bytes)), 0U);
  EXPECT_GT(look(fixture.profiler).totals.allocated.samples, 1000U);
}

TEST(Profiler, LimitsChangeWhileItRuns) {
  test::Profiled fixture(1, {std::size_t{8} << 20, 32, 100'000, 0});
  fixture.profiler.change_limits({1, 3, 5'000, 1});
  void* block = fixture.thread.allocate(100);

  EXPECT_EQ(fixture.profiler.interval(), 1U);
  EXPECT_TRUE(fixture.profiler.with_profile([](const Profile& profile) {
    EXPECT_EQ(profile.max_depth, 3U);
    EXPECT_EQ(profile.temporary_ns, 5'000U);
    ASSERT_EQ(profile.count, 1U);
    EXPECT_LE(profile.rows[0].stack.depth, 3U);
  }));
  fixture.profiler.stop();
  fixture.profiler.change_limits({1, 3, 5'000, 50});
  EXPECT_FALSE(fixture.profiler.running());
  fixture.thread.deallocate(block);
}

TEST(Profiler, BlockThatIsResizedCountsAsItIsNow) {
  Profiled fixture;
  void* small = fixture.thread.reallocate(fixture.thread.allocate(100), 105);
  expect_amount(look(fixture.profiler).totals.allocated, 1, 105);
  expect_amount(look(fixture.profiler).totals.live, 1, 105);
  for (int i = 0; i < 10; ++i)  // what comes again was counted
    small = fixture.thread.reallocate(fixture.thread.reallocate(small, 98), 105);
  expect_amount(look(fixture.profiler).totals.allocated, 1, 105);
  small = fixture.thread.reallocate(small, 5000);  // elsewhere: one more is allocated
  expect_amount(look(fixture.profiler).totals.allocated, 2, 5105);
  expect_amount(look(fixture.profiler).totals.live, 1, 5000);

  void* large = fixture.thread.allocate(8 << 20);
  for (const std::uint64_t bytes : {9U << 20, 64U << 20, 65U << 20, 5U << 20}) {
    large = fixture.thread.reallocate(large, bytes);
    expect_amount(look(fixture.profiler).totals.live, 2, 5000 + bytes);
  }
  fixture.thread.deallocate(small);
  fixture.thread.deallocate(large);
  expect_amount(look(fixture.profiler).totals.live, 0, 0);
}

TEST(Profiler, SampleMayBeResizedWhenItIsStopped) {
  Profiled fixture;
  void* block = fixture.thread.allocate(8 << 20);
  void* small = fixture.thread.allocate(100);
  fixture.profiler.stop();
  block = fixture.thread.reallocate(block, 64 << 20);
  expect_amount(look(fixture.profiler).totals.live, 2, (64 << 20) + 100);
  small = fixture.thread.reallocate(small, 1000);  // now one that nobody looks at
  expect_amount(look(fixture.profiler).totals.live, 1, 64 << 20);
  fixture.thread.deallocate(block);
  fixture.thread.deallocate(small);
  expect_amount(look(fixture.profiler).totals.live, 0, 0);
}

// What finds no room is no sample, and is a block as any other.
TEST(Profiler, DropsWhatItsTablesCannotHold) {
  Profiled fixture(1, kTiny);
  constexpr std::size_t kCount = 20'000;
  constexpr std::array<std::size_t, 4> kSizes = {64, 100, 5000, 20'000};
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::size_t bytes = kSizes[i % kSizes.size()];
    blocks.push_back(fixture.thread.allocate(bytes));
    test::write_pattern(static_cast<std::byte*>(blocks.back()), bytes, i);
  }
  const Found full = look(fixture.profiler);
  EXPECT_GT(full.totals.live.samples, 90U);
  EXPECT_LT(full.totals.live.samples, 500U);
  EXPECT_EQ(full.totals.allocated.samples + full.dropped, kCount);

  for (std::size_t i = 0; i < kCount; ++i) {
    const std::size_t bytes = kSizes[i % kSizes.size()];
    ASSERT_TRUE(test::has_pattern(static_cast<std::byte*>(blocks[i]), bytes, i)) << i;
  }
  fixture.free_all(blocks);
  expect_amount(look(fixture.profiler).totals.live, 0, 0);
  blocks.push_back(fixture.thread.allocate(64));
  expect_amount(look(fixture.profiler).totals.live, 1, 64);
  fixture.free_all(blocks);
}

// The block that was to be a sample is used again.
TEST(Profiler, DroppedSamplesTakeNoMemory) {
  Profiled fixture(1, kTiny);
  std::vector<void*> blocks = fixture.allocate_many(1000, 64);
  ASSERT_GT(look(fixture.profiler).dropped, 0U);
  const std::size_t slabs = fixture.slabs();
  for (int i = 0; i < 100'000; ++i) fixture.thread.deallocate(fixture.thread.allocate(64));
  EXPECT_LE(fixture.slabs(), slabs + 4);
  fixture.free_all(blocks);
}

// A thread that ends leaves slabs behind that others take over; blocks of them that were
// allocated when nobody looked are no samples.
TEST(Profiler, BlocksOfAThreadThatEndedAreNoSamples) {
  test::OneThread fixture;
  std::vector<void*> blocks;
  {
    TestThread ended(fixture.allocator);
    for (int i = 0; i < 300; ++i) blocks.push_back(ended.allocate(200));
    for (std::size_t i = 0; i < blocks.size(); i += 2) ended.deallocate(blocks[i]);
  }
  Profiler profiler(fixture.allocator);
  ASSERT_TRUE(profiler.start(1, kLimits));
  std::vector<void*> samples = fixture.allocate_many(300, 200);

  for (std::size_t i = 1; i < blocks.size(); i += 2) fixture.thread.deallocate(blocks[i]);

  expect_amount(look(profiler).totals.live, 300, 300 * 200);
  for (void* block : samples) fixture.thread.deallocate(block);
  expect_amount(look(profiler).totals.live, 0, 0);
}

TEST(Profiler, ChildOfAForkGoesOn) {
  Profiled fixture;
  std::vector<void*> blocks = fixture.allocate_many(50, 300);
  fixture.profiler.prepare_fork();
  fixture.allocator.prepare_fork();
  fixture.allocator.resume_child(&fixture.thread.heap());
  fixture.profiler.resume_child();

  void* more = fixture.thread.allocate(300);

  expect_amount(look(fixture.profiler).totals.live, 51, 51 * 300);
  fixture.free_all(blocks);
  fixture.thread.deallocate(more);
  expect_amount(look(fixture.profiler).totals.live, 0, 0);
}

// In the child, the heap of a thread that was just telling of a sample serves another one.
TEST(Profiler, ThreadOfAChildTakesSamplesWithTheHeapOfOneThatWasAtIt) {
  Profiled fixture;
  TestThread lost(fixture.allocator);
  ThreadHeap& heap = lost.heap();
  std::uint64_t samples = 0;
  // The parent's thread would go on here; in the child there is none that does.
  heap.observe([&]() noexcept {
    fixture.allocator.prepare_fork();
    fixture.allocator.resume_child(&fixture.thread.heap());
    lost.forget();
    TestThread next(fixture.allocator);
    EXPECT_EQ(&next.heap(), &heap);
    next.deallocate(next.allocate(100));
    samples = look(fixture.profiler).totals.allocated.samples;
    return true;
  });

  EXPECT_EQ(samples, 1U);
}

}  // namespace
}  // namespace luna
