// SPDX-License-Identifier: MIT
// A thread that never leaves the fast path while much is dirty: it has to come by now and then,
// so that pages are given back, and gets its blocks as any other.
#include "os/clock.hpp"
#include "support/one_thread.hpp"
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>
#include <thread>

namespace luna {
namespace {

constexpr std::size_t kBytes = 1024;
constexpr std::size_t kRunBytes = 10 * kPageBytes;
constexpr std::size_t kDirtyBytes = std::size_t{16} << 20;
constexpr std::size_t kKeptDirtyBytes = std::size_t{8} << 20;

struct Watched : test::OneThread {
  Watched() {
    allocator.config().decay_ms = 50;
    void* span = allocator.pages().take(kDirtyBytes / kPageBytes, 1, false);
    test::make_dirty(static_cast<std::byte*>(span), kDirtyBytes / kPageBytes);
    allocator.pages().put(span);
    for (const std::size_t bytes : {kBytes, kRunBytes, kRunBytes})
      thread.deallocate(thread.allocate(bytes));
    static_cast<void>(thread.allocate(kRunBytes));
    allocator.pages().expect_quiet();
    allocator.config().decay_ms = 10'000;
    beat();
  }

  void beat() {
    for (int i = 0; i < 20; ++i) thread.heap().beat();
  }

  // A malloc as the library's are. Whether it took the slow path is added to `slow`.
  void* take(std::size_t bytes, std::size_t& slow) {
    FreeList& source = thread.cache().source(bytes);
    void* block = ThreadCache::pop(source);
    if (block == nullptr) block = ThreadCache::take_counted(source);
    if (block != nullptr) return block;
    ++slow;
    return allocator.allocate(thread.heap(), bytes);
  }

  // Such mallocs, each with its free. Returns how many took the slow path.
  std::size_t slow_pairs(int pairs, std::size_t bytes = kBytes) {
    std::size_t slow = 0;
    for (int i = 0; i < pairs; ++i) thread.deallocate(take(bytes, slow));
    return slow;
  }

  // Takes samples and counts them.
  void begin_sampling(std::uint64_t interval) {
    const SampleObserver observer = {&samples,
                                     [](void* count, const SampledBlock&) noexcept {
                                       return ++*static_cast<std::size_t*>(count) != 0;
                                     },
                                     [](void*, void*) noexcept { return true; },
                                     [](void*, const SampledBlock&) noexcept { return true; },
                                     [](void*, void*, void*) noexcept {}};
    ASSERT_TRUE(allocator.begin_sampling(observer));
    allocator.set_sampling_interval(interval, 1);
  }

  // From now on little is dirty, which the thread learns when it next looks.
  void end_quiet() {
    ASSERT_NE(allocator.pages().take(kDirtyBytes / kPageBytes, 1, false), nullptr);
    allocator.pages().tick(os::coarse_milliseconds() + 1'000'000, 1);
    ASSERT_FALSE(allocator.pages().is_quiet());
  }

  [[nodiscard]] bool watched() { return thread.cache().sources != thread.cache().lists.data(); }

  std::size_t samples = 0;
};

TEST(WatchedThread, ComesByTheSlowPathNowAndThen) {
  Watched fixture;
  ASSERT_TRUE(fixture.watched());

  for (const std::size_t bytes : {kBytes, kRunBytes}) {
    const std::size_t slow = fixture.slow_pairs(4000, bytes);
    EXPECT_GE(slow, 20U);
    EXPECT_LE(slow, 200U);
  }
}

TEST(WatchedThread, ComesByAfterFewBlocksIfItTakesThemSeldom) {
  Watched fixture;
  constexpr int kRounds = 20;
  std::size_t slow = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(12));  // more than one tick of the clock
    slow += fixture.slow_pairs(8);
  }

  EXPECT_GE(slow, kRounds);
}

// However little one sample in so many bytes has to do with it.
TEST(WatchedThread, LooksAsOftenWhileSamplesAreTaken) {
  Watched fixture;
  fixture.begin_sampling(std::uint64_t{1} << 30);
  for (int i = 0; i < 100 && fixture.slow_pairs(4000) > 100; ++i) {
  }
  ASSERT_GE(fixture.slow_pairs(4000), 20U);
  fixture.end_quiet();
  static_cast<void>(fixture.slow_pairs(200));

  EXPECT_LE(fixture.slow_pairs(4000), 4U);
}

TEST(WatchedThread, FreshBlocksAreCountedToo) {
  constexpr std::size_t kSmallestBytes = 16;
  constexpr int kBlocks = 20'000;
  Watched fixture;
  std::size_t slow = 0;
  for (int i = 0; i < kBlocks; ++i) static_cast<void>(fixture.take(kSmallestBytes, slow));

  EXPECT_GE(slow, kBlocks / 64);
}

TEST(WatchedThread, IsNotWatchedWhileLittleIsDirty) {
  test::OneThread fixture;
  fixture.thread.deallocate(fixture.thread.allocate(kBytes));
  fixture.allocator.pages().expect_quiet();
  for (int i = 0; i < 20; ++i) fixture.thread.heap().beat();

  EXPECT_FALSE(fixture.allocator.pages().is_quiet());
  EXPECT_EQ(fixture.thread.cache().sources, fixture.thread.cache().lists.data());
}

TEST(WatchedThread, PairsGiveThePagesBackInTheEnd) {
  Watched fixture;
  fixture.allocator.config().decay_ms = 100;
  for (int i = 0; i < 2000 && fixture.watched(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    static_cast<void>(fixture.slow_pairs(4000));
  }

  EXPECT_FALSE(fixture.watched());
  EXPECT_FALSE(fixture.allocator.pages().is_quiet());
  EXPECT_LE(fixture.allocator.usage().pages.dirty, kKeptDirtyBytes);
}

TEST(WatchedThread, IsHandedTheBlockFreedLast) {
  Watched fixture;
  static_cast<void>(fixture.allocate_many(3, kBytes));  // what is fresh and at hand
  void* block = fixture.thread.allocate(kBytes);
  for (int i = 0; i < 1000; ++i) {
    fixture.thread.deallocate(block);
    ASSERT_EQ(fixture.thread.allocate(kBytes), block);
  }
}

TEST(WatchedThread, IsHandedEachBlockOnce) {
  Watched fixture;
  constexpr std::size_t kBlocks = 100;
  std::set<void*> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    fixture.thread.deallocate(fixture.thread.allocate(kBytes));
    void* block = fixture.thread.allocate(kBytes);
    test::write_pattern(block, kBytes, i);
    blocks.insert(block);
  }

  EXPECT_EQ(blocks.size(), kBlocks);
}

TEST(WatchedThread, ListThatDoesNotRunOutIsNotMadeLonger) {
  Watched fixture;
  constexpr std::size_t kBlocks = 400;
  const auto listed = [&] { return fixture.thread.heap().listed_blocks(size_class_of(kBytes)); };
  for (void* block : fixture.allocate_many(kBlocks, kBytes)) {
    fixture.thread.deallocate(block);
    static_cast<void>(fixture.slow_pairs(100));
  }
  // What it may hold shows when it is filled anew, with a slab's blocks at least.
  const auto blocks = fixture.allocate_many(kBlocks, kBytes);
  ASSERT_LE(listed(), kGranuleBytes / kBytes);
  for (void* block : blocks) fixture.thread.deallocate(block);

  EXPECT_LE(listed(), kGranuleBytes / kBytes + 2);
}

TEST(WatchedThread, TrimReturnsWhatItWasToBeHanded) {
  Watched fixture;
  void* block = fixture.thread.allocate(kBytes);
  fixture.thread.deallocate(fixture.thread.allocate(kBytes));
  fixture.thread.heap().trim(false);

  EXPECT_EQ(fixture.slab_of(block).used(), 1U);
}

TEST(WatchedThread, ZeroedRunThatWasFreedLatelyIsAllZeros) {
  Watched fixture;
  void* run = fixture.thread.allocate(kRunBytes);
  test::make_dirty(static_cast<std::byte*>(run), kRunBytes / kPageBytes);
  fixture.thread.deallocate(run);
  void* zeroed = fixture.thread.allocate_zeroed(kRunBytes);

  EXPECT_EQ(zeroed, run);
  EXPECT_TRUE(test::is_zero(zeroed, kRunBytes));
}

// Its count ends at a look far more often than at a sample. The seed is fixed; the tolerance is
// three standard deviations, less than if one block of those up to a look were counted twice.
TEST(WatchedThread, IsSampledAsOftenAsItsBytesSay) {
  constexpr std::size_t kSmallBytes = 64;
  constexpr std::uint64_t kInterval = 200 * kSmallBytes;
  constexpr int kPairs = 32'000'000;
  Watched fixture;
  fixture.begin_sampling(kInterval);
  const std::size_t slow = fixture.slow_pairs(kPairs, kSmallBytes);

  const double expected = -kPairs * std::expm1(-1.0 * kSmallBytes / kInterval);
  EXPECT_TRUE(fixture.allocator.pages().is_quiet());
  EXPECT_GT(slow, 2 * fixture.samples);
  EXPECT_NEAR(static_cast<double>(fixture.samples), expected, 3 * std::sqrt(expected));
}

}  // namespace
}  // namespace luna
