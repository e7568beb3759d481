// SPDX-License-Identifier: MIT
#include "telemetry/limit_watch.hpp"

#include "support/cgroup_tree.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

TEST(Crossing, IsToldOnce) {
  Crossing crossing;

  EXPECT_FALSE(crossing.note(79.9, 80));
  EXPECT_TRUE(crossing.note(80, 80));
  EXPECT_FALSE(crossing.note(80, 80));
  EXPECT_FALSE(crossing.note(99, 80));
}

TEST(Crossing, IsToldAgainAfterAFall) {
  Crossing crossing;
  ASSERT_TRUE(crossing.note(90, 80));

  EXPECT_FALSE(crossing.note(75.1, 80));
  EXPECT_FALSE(crossing.note(90, 80));
  EXPECT_FALSE(crossing.note(75, 80));
  EXPECT_FALSE(crossing.note(79, 80));
  EXPECT_TRUE(crossing.note(81, 80));
}

// A cgroup of 100,000 bytes, of which so many percent are used; the clock goes on by itself.
struct Watched {
  explicit Watched(std::uint64_t percent) { watch.set(percent); }

  [[nodiscard]] bool crosses_at(int percent) {
    tree.add("/app", "100000", "max", std::to_string(percent * 1000), "0");
    now_ms += LimitWatch::kIntervalMs;
    EXPECT_TRUE(watch.is_due(now_ms));
    return watch.review(tree.root(), now_ms);
  }

  test::CgroupTreeV2 tree{"/app"};
  LimitWatch watch;
  std::uint64_t now_ms = 1000;
};

TEST(LimitWatch, IsOffAtFirst) {
  const LimitWatch watch;

  EXPECT_FALSE(watch.on());
  EXPECT_FALSE(watch.is_due(1'000'000));
}

TEST(LimitWatch, ACrossingOfALimitIsTold) {
  Watched watched(80);

  EXPECT_FALSE(watched.crosses_at(10));
  EXPECT_TRUE(watched.crosses_at(80));
  EXPECT_FALSE(watched.crosses_at(95));
  EXPECT_FALSE(watched.crosses_at(76));
  EXPECT_FALSE(watched.crosses_at(95));
  EXPECT_FALSE(watched.crosses_at(75));
  EXPECT_TRUE(watched.crosses_at(80));
}

TEST(LimitWatch, FilesAreReadOnceInAWhile) {
  Watched watched(80);
  ASSERT_FALSE(watched.crosses_at(10));
  watched.tree.add("/app", "100000", "max", "90000", "0");
  const std::uint64_t soon = watched.now_ms + LimitWatch::kIntervalMs - 1;

  EXPECT_FALSE(watched.watch.is_due(soon));
  EXPECT_FALSE(watched.watch.review(watched.tree.root(), soon));
  EXPECT_TRUE(watched.watch.review(watched.tree.root(), soon + 1));
}

TEST(LimitWatch, OneOfSeveralThreadsIsToldOfIt) {
  Watched watched(80);
  ASSERT_FALSE(watched.crosses_at(10));
  watched.tree.add("/app", "100000", "max", "90000", "0");
  std::atomic<int> told{0};

  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&watched, &told] {
      for (std::uint64_t now = watched.now_ms; now < watched.now_ms + 1000; ++now)
        if (watched.watch.is_due(now) && watched.watch.review(watched.tree.root(), now)) ++told;
    });
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(told, 1);
}

TEST(LimitWatch, AProcessThatIsMovedIsFoundAgain) {
  Watched watched(80);
  ASSERT_FALSE(watched.crosses_at(10));
  watched.tree.add("/full", "100000", "max", "90000", "0");
  watched.tree.write("/proc/thread-self/cgroup", "0::/full\n");
  unsigned reviews = 0;

  while (reviews < 2 * LimitWatch::kReviewsOfPlace && !watched.crosses_at(10)) ++reviews;

  EXPECT_LE(reviews, LimitWatch::kReviewsOfPlace);
}

TEST(LimitWatch, WithoutALimitNothingIsTold) {
  Watched watched(80);
  ASSERT_TRUE(watched.crosses_at(90));
  watched.tree.remove("/sys/fs/cgroup/app/memory.max");
  watched.tree.remove("/sys/fs/cgroup/app/memory.high");
  watched.now_ms += LimitWatch::kIntervalMs;

  EXPECT_FALSE(watched.watch.review(watched.tree.root(), watched.now_ms));
  EXPECT_FALSE(watched.crosses_at(90));
}

TEST(LimitWatch, TheChildOfAForkGoesOn) {
  Watched watched(80);
  ASSERT_TRUE(watched.crosses_at(90));

  watched.watch.resume_child();

  EXPECT_FALSE(watched.crosses_at(90));
  EXPECT_FALSE(watched.crosses_at(10));
  EXPECT_TRUE(watched.crosses_at(90));
}

}  // namespace
}  // namespace luna
