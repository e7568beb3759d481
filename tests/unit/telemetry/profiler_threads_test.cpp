// SPDX-License-Identifier: MIT
// The profiler while many threads allocate, free, resize, and switch it on and off. For one
// thread see profiler_test.cpp.
#include "support/profiled.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
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

// Allocates and frees, also what other threads put down.
struct Worker {
  void run(Allocator& allocator, std::uint64_t seed, int steps) {
    Random random(seed);
    TestThread thread(allocator);
    std::vector<void*> own;
    for (int i = 0; i < steps; ++i) {
      const std::size_t bytes = random.one_in(200) ? random.below(600'000) : random.below(2000);
      void* block = thread.allocate(bytes);
      if (random.one_in(4)) block = thread.reallocate(block, bytes + random.below(2000) + 1);
      block = (*places)[random.below(places->size())].exchange(block);
      if (random.one_in(2)) {
        own.push_back(block);
      } else if (block != nullptr) {
        thread.deallocate(block);
      }
      if (own.size() < 100) continue;
      for (void* old : own)
        if (old != nullptr) thread.deallocate(old);
      own.clear();
    }
    for (void* old : own)
      if (old != nullptr) thread.deallocate(old);
  }

  std::array<std::atomic<void*>, 64>* places;
};

struct Crowd {
  explicit Crowd(const ProfilerLimits& limits = kLimits) : fixture(1, limits) {}

  // Runs workers, and `meanwhile` until they are done; then frees what is left.
  template <typename Meanwhile>
  void run(Meanwhile meanwhile) {
    std::atomic<int> working{4};
    std::vector<std::thread> threads;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      threads.emplace_back([&, seed] {
        for (std::uint64_t life = 0; life < 5; ++life)
          Worker{&places}.run(fixture.allocator, seed + 100 * life, 3000);
        --working;
      });
    }
    while (working != 0) meanwhile();
    for (std::thread& thread : threads) thread.join();
    for (std::atomic<void*>& place : places)
      if (void* block = place.exchange(nullptr); block != nullptr) fixture.thread.deallocate(block);
  }

  Profiled fixture;
  std::array<std::atomic<void*>, 64> places{};
};

TEST(ProfilerThreads, AmountsComeOutEven) {
  Crowd crowd;
  crowd.run([] { std::this_thread::yield(); });
  const Found found = look(crowd.fixture.profiler);
  EXPECT_EQ(found.dropped, 0U);
  EXPECT_GE(found.totals.allocated.samples, 4U * 5 * 3000);
  expect_amount(found.totals.live, 0, 0);
}

TEST(ProfilerThreads, SnapshotsAreWholeWhileOthersWork) {
  Crowd crowd;
  crowd.run([&] {
    EXPECT_TRUE(crowd.fixture.profiler.with_profile([](const Profile& profile) {
      for (std::size_t i = 0; i < profile.count; ++i) {
        const ProfileRow& row = profile.rows[i];
        EXPECT_LE(row.live.samples, row.allocated.samples);
        EXPECT_LE(row.live.sampled_bytes, row.allocated.sampled_bytes);
        EXPECT_EQ(static_cast<double>(row.live.samples), row.live.objects);
        for (std::size_t k = 0; k < row.stack.depth; ++k) EXPECT_NE(row.stack.frames[k], 0U);
      }
    }));
  });
  expect_amount(look(crowd.fixture.profiler).totals.live, 0, 0);
}

TEST(ProfilerThreads, MayBeSwitchedWhileOthersWork) {
  for (const ProfilerLimits& limits : {kLimits, kTiny}) {
    Crowd crowd(limits);
    Random random(1);
    crowd.run([&] {
      if (random.one_in(3)) crowd.fixture.profiler.stop();
      const bool starts = random.one_in(2);
      EXPECT_TRUE(!starts || crowd.fixture.profiler.start(1 + random.below(3) * 1000, limits));
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(500)));
    });
    const Amount live = look(crowd.fixture.profiler).totals.live;
    EXPECT_EQ(live.samples, 0U);
    EXPECT_EQ(live.sampled_bytes, 0U);
    EXPECT_EQ(rounded(std::abs(live.bytes)), 0U);
  }
}

// realloc moves the pages of large blocks, and others come to lie where they were.
TEST(ProfilerThreads, LargeBlocksMoveAsOthersTakeTheirPlace) {
  Profiled fixture;
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([&, seed] {
      Random random(seed);
      TestThread thread(fixture.allocator);
      for (int i = 0; i < 3000; ++i) {
        void* block = thread.allocate((5 + random.below(8)) << 20);
        for (int k = 0; k < 3; ++k) block = thread.reallocate(block, (5 + random.below(60)) << 20);
        thread.deallocate(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  expect_amount(look(fixture.profiler).totals.live, 0, 0);
}

// Whoever comes last, what is said is what is done.
TEST(ProfilerThreads, TwoMaySwitchIt) {
  constexpr int kRounds = 5'000;
  Profiled fixture;
  std::atomic<int> round{0};
  std::atomic<int> done{0};
  std::thread other([&] {
    for (int i = 1; i <= kRounds; ++i) {
      while (round != i) std::this_thread::yield();
      fixture.profiler.stop();
      done = i;
    }
  });
  int wrong = 0;
  for (int i = 1; i <= kRounds; ++i) {
    static_cast<void>(fixture.profiler.start(1, kLimits));
    round = i;
    static_cast<void>(fixture.profiler.start(2, kLimits));
    while (done != i) std::this_thread::yield();
    if (fixture.allocator.samples().interval() != fixture.profiler.interval()) ++wrong;
  }
  other.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace luna
