// SPDX-License-Identifier: MIT
// When free pages go back: by decay and by trim. Time is what the test says.
#include "support/kernel_pages.hpp"
#include "support/pattern.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::make_dirty;
using test::TestPages;

constexpr std::uint64_t kDecayMs = 1000;

// A run that was written to and put, so that its pages are dirty.
struct DirtyRun : TestPages {
  explicit DirtyRun(std::size_t run_pages = 64) {
    memory = take(run_pages);
    make_dirty(memory, run_pages);
    heap.put(memory);
  }

  // Lets time pass in small steps, as threads at work would.
  void tick_until(std::uint64_t end_ms, std::uint64_t decay_ms = kDecayMs) {
    for (; now_ms <= end_ms; now_ms += 10) heap.tick(now_ms, decay_ms);
  }

  std::byte* memory;
  std::uint64_t now_ms = 100'000;
};

TEST(Purge, PutPagesAreDirty) {
  DirtyRun fixture;

  EXPECT_EQ(fixture.heap.usage().dirty, 64 * kPageBytes);
  EXPECT_EQ(fixture.memory[0], std::byte{0xd1});
}

TEST(Purge, PagesOutlastAMoment) {
  DirtyRun fixture;
  fixture.tick_until(100'000 + kDecayMs / 4);

  EXPECT_EQ(fixture.heap.usage().dirty, 64 * kPageBytes);
}

TEST(Purge, PagesAreGoneAfterTheDecayTime) {
  DirtyRun fixture;
  fixture.tick_until(100'000 + 2 * kDecayMs);

  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  EXPECT_TRUE(test::is_zero(fixture.memory, 64 * kPageBytes));
}

TEST(Purge, AShorterDecayTimeIsHeededAtOnce) {
  constexpr std::uint64_t kLongMs = 100'000'000;
  DirtyRun fixture;
  fixture.tick_until(101'000, kLongMs);
  ASSERT_EQ(fixture.heap.usage().dirty, 64 * kPageBytes);

  fixture.heap.look_again();
  fixture.tick_until(101'000 + 2 * kDecayMs);

  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
}

TEST(Purge, PagesInUseKeepTheirContents) {
  DirtyRun fixture;
  std::byte* used = fixture.take(10);
  make_dirty(used, 10);
  fixture.tick_until(100'000 + 5 * kDecayMs);

  EXPECT_EQ(used[0], std::byte{0xd1});
  EXPECT_EQ(used[10 * kPageBytes - 1], std::byte{0xd1});
}

TEST(Purge, PagesInFrequentUseAreNotGivenBack) {
  DirtyRun fixture;
  for (int i = 0; i < 20; ++i) {
    fixture.tick_until(fixture.now_ms + kDecayMs / 5);
    std::byte* used = fixture.take(64);
    ASSERT_EQ(used, fixture.memory);
    make_dirty(used, 64);
    fixture.heap.put(used);
  }

  EXPECT_EQ(fixture.memory[0], std::byte{0xd1});
}

TEST(Purge, NoDecayTimeKeepsNothingForLong) {
  DirtyRun fixture;
  fixture.tick_until(100'100, 0);

  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
}

TEST(Purge, WholeFreeRegionsAreGivenBackByAndBy) {
  DirtyRun fixture(40 * kPagesPerRegion);
  ASSERT_EQ(fixture.heap.usage().dirty, 40 * kRegionBytes);
  fixture.tick_until(100'000 + 3 * kDecayMs);

  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  EXPECT_EQ(fixture.heap.usage().used, 0U);
}

TEST(Purge, PurgedPagesServeAgain) {
  DirtyRun fixture;
  fixture.tick_until(100'000 + 2 * kDecayMs);

  EXPECT_TRUE(test::is_zero(fixture.take_zeroed(64), 64 * kPageBytes));
}

// A heap of which three pages of four are free and dirty, in runs.
struct ScatteredRuns : TestPages {
  static constexpr std::size_t kPages = 12;
  static constexpr std::size_t kRuns = 512;

  ScatteredRuns() {
    heap.set_placement(Placement::kLowAddress);
    for (std::size_t i = 0; i < kRuns; ++i) {
      runs.push_back(take(kPages));
      make_dirty(runs.back(), kPages);
      make_dirty(take(4), 4);
    }
    for (std::byte* run : runs) heap.put(run);
  }

  // By a block for which the limit leaves no other room.
  void give_back(std::size_t count) {
    constexpr std::size_t kHugeBytes = (kMaxArenaRegions + 1) * kRegionBytes;
    const PageTotals totals = heap.totals();
    heap.set_hard_limit(totals.used + kHugeBytes + totals.dirty - count * kPages * kPageBytes);
    std::byte* huge = take(kHugeBytes / kPageBytes);
    ASSERT_NE(huge, nullptr);
    heap.put(huge);
  }

  [[nodiscard]] bool is_gone(std::size_t run) const {
    return test::is_zero(runs[run], kPages * kPageBytes);
  }

  std::vector<std::byte*> runs;
};

TEST(GiveBack, GoesOnWhereItEnded) {
  ScatteredRuns fixture;
  fixture.give_back(100);
  ASSERT_TRUE(fixture.is_gone(0) && fixture.is_gone(99));
  ASSERT_EQ(fixture.take(ScatteredRuns::kPages), fixture.runs[0]);
  make_dirty(fixture.runs[0], ScatteredRuns::kPages);
  fixture.heap.put(fixture.runs[0]);

  fixture.give_back(100);

  EXPECT_TRUE(fixture.is_gone(100) && fixture.is_gone(199));
  EXPECT_FALSE(fixture.is_gone(0));
}

TEST(GiveBack, ComesAroundToTheFirstPages) {
  ScatteredRuns fixture;
  fixture.give_back(ScatteredRuns::kRuns - 10);
  ASSERT_EQ(fixture.take(ScatteredRuns::kPages), fixture.runs[0]);
  make_dirty(fixture.runs[0], ScatteredRuns::kPages);
  fixture.heap.put(fixture.runs[0]);

  fixture.give_back(11);

  EXPECT_TRUE(fixture.is_gone(ScatteredRuns::kRuns - 1));
  EXPECT_TRUE(fixture.is_gone(0));
  EXPECT_EQ(fixture.heap.totals().dirty, 0U);
}

TEST(GiveBack, ComesAroundWithinARegion) {
  ScatteredRuns fixture;
  fixture.give_back(10);
  ASSERT_EQ(fixture.take(ScatteredRuns::kPages), fixture.runs[0]);
  make_dirty(fixture.runs[0], ScatteredRuns::kPages);
  fixture.heap.put(fixture.runs[0]);

  fixture.give_back(ScatteredRuns::kRuns - 9);

  EXPECT_TRUE(fixture.is_gone(0));
  EXPECT_EQ(fixture.heap.totals().dirty, 0U);
}

TEST(Trim, GivesBackEveryDirtyPageAndSaysSo) {
  DirtyRun fixture(96);

  EXPECT_EQ(fixture.heap.trim(0), 96 * kPageBytes);
  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  EXPECT_TRUE(test::is_zero(fixture.memory, 96 * kPageBytes));
}

TEST(Trim, SecondTimeHasNothingToDo) {
  DirtyRun fixture;
  fixture.heap.trim(0);

  EXPECT_EQ(fixture.heap.trim(0), 0U);
}

TEST(Trim, KeepsWhatItIsToldToKeep) {
  DirtyRun fixture(64);

  EXPECT_EQ(fixture.heap.trim(64 * kPageBytes), 0U);
  EXPECT_EQ(fixture.heap.usage().dirty, 64 * kPageBytes);
}

TEST(Trim, LeavesPagesInUseAlone) {
  DirtyRun fixture(64);
  std::byte* used = fixture.take(32);
  make_dirty(used, 32);
  fixture.heap.trim(0);

  EXPECT_EQ(used[0], std::byte{0xd1});
  EXPECT_EQ(used[32 * kPageBytes - 1], std::byte{0xd1});
}

TEST(Trim, GivesBackFreedTailsOfSpans) {
  TestPages pages;
  std::byte* span = pages.take(2 * kPagesPerRegion);
  make_dirty(span, 2 * kPagesPerRegion);
  ASSERT_TRUE(pages.heap.resize(span, kPagesPerRegion + 1));

  EXPECT_EQ(pages.heap.trim(0), kRegionBytes - os::page_bytes());
  EXPECT_EQ(span[kRegionBytes], std::byte{0xd1});
}

// Of a larger kernel page, the part that nobody wrote to goes along.
TEST(Trim, LeavesNothingDirtyWhereAllIsFree) {
  TestPages pages;
  for (std::size_t touched = 1; touched <= kPagesPerGranule; ++touched) {
    std::byte* granule = pages.take_granule();
    make_dirty(granule, touched);
    pages.heap.put_granule(granule, touched);

    pages.heap.trim(0);

    EXPECT_EQ(pages.heap.usage().dirty, 0U) << touched;
    EXPECT_TRUE(test::is_zero(granule, kGranuleBytes)) << touched;
  }
}

TEST(Trim, KernelPageGoesBackWhenItsLastPageInUseIsPut) {
  TestPages pages;
  std::vector<std::byte*> runs(test::pages_per_kernel_page());
  for (std::byte*& run : runs) make_dirty(run = pages.take(1), 1);
  std::byte* last = runs.back();
  runs.pop_back();
  for (std::byte* run : runs) pages.heap.put(run);

  EXPECT_EQ(pages.heap.trim(0), 0U);
  EXPECT_EQ(last[0], std::byte{0xd1});
  pages.heap.put(last);
  EXPECT_EQ(pages.heap.trim(0), os::page_bytes());
  EXPECT_EQ(pages.heap.usage().dirty, 0U);
}

TEST(Trim, KernelPageGoesBackWhenAnUntouchedGranuleIsPut) {
  TestPages pages;
  std::byte* dirty = pages.take_granule();
  std::byte* clean = pages.take_granule();
  make_dirty(dirty, 1);
  pages.heap.put_granule(dirty, 1);
  pages.heap.trim(0);

  pages.heap.put_granule(clean, 0);
  pages.heap.trim(0);

  EXPECT_EQ(pages.heap.usage().dirty, 0U);
  EXPECT_TRUE(test::is_zero(dirty, kGranuleBytes));
}

// While the system calls of a purge run without the lock, others take and put.
TEST(Trim, WorksBesideThreadsThatTakeAndPut) {
  TestPages pages;
  std::atomic<bool> stop{false};
  std::atomic<int> mixed_up{0};
  std::vector<std::thread> threads;
  for (std::uint64_t mark = 1; mark <= 2; ++mark) {
    threads.emplace_back([&, mark] {
      for (std::size_t i = 0; i < 3000; ++i) {
        const std::size_t count = 1 + (i * 7 + mark) % 90;
        auto* run = static_cast<std::byte*>(pages.heap.take(count, 1, i % 2 == 0));
        if (i % 2 == 0 && !test::is_zero(run, count * kPageBytes)) ++mixed_up;
        test::write_pattern(run, count * kPageBytes, mark);
        if (!test::has_pattern(run, count * kPageBytes, mark)) ++mixed_up;
        pages.heap.put(run);
      }
    });
  }
  std::thread trimmer([&] {
    for (std::uint64_t now = 1000; !stop; now += 20) {
      pages.heap.tick(now, 20);
      pages.heap.trim(0);
    }
  });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  trimmer.join();

  EXPECT_EQ(mixed_up, 0);
  EXPECT_EQ(pages.heap.usage().used, 0U);
}

}  // namespace
}  // namespace luna
