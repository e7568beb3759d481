// SPDX-License-Identifier: MIT
#include "pressure/subscriptions.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace luna {
namespace {

[[nodiscard]] luna_pressure_event event_of(luna_pressure_level level) {
  luna_pressure_event event = {};
  event.struct_size = sizeof event;
  event.level = level;
  return event;
}

// Remembers the levels that it is told.
struct Told {
  static void call(const luna_pressure_event* event, void* context) {
    static_cast<Told*>(context)->levels.push_back(static_cast<int>(event->level));
  }

  // Adds itself.
  luna_subscription join(Subscriptions& all, luna_pressure_level level,
                         std::uint64_t min_interval_ms = 0) {
    luna_subscription number = 0;
    const bool added = all.add({level, min_interval_ms, &Told::call, this}, number);
    EXPECT_EQ(added, number != 0);
    return number;
  }

  std::vector<int> levels;
};

TEST(Subscriptions, AreCalledWhenTheLevelRises) {
  Subscriptions all;
  Told told;
  ASSERT_NE(told.join(all, LUNA_PRESSURE_MODERATE), 0U);

  for (const luna_pressure_level level :
       {LUNA_PRESSURE_NONE, LUNA_PRESSURE_LOW, LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_MODERATE,
        LUNA_PRESSURE_CRITICAL, LUNA_PRESSURE_CRITICAL})
    EXPECT_TRUE(all.tell(event_of(level), 1000));

  EXPECT_EQ(told.levels, (std::vector<int>{LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_CRITICAL}));
}

TEST(Subscriptions, AreCalledAgainForEachRefusal) {
  Subscriptions all;
  Told told;
  ASSERT_NE(told.join(all, LUNA_PRESSURE_MODERATE), 0U);
  const std::uint64_t calls = all.calls();

  for (const std::uint32_t refusals : {0U, 1U, 1U, 3U, 3U})
    EXPECT_TRUE(all.tell(event_of(LUNA_PRESSURE_CRITICAL), 1000, refusals));

  EXPECT_EQ(told.levels, (std::vector<int>(3, LUNA_PRESSURE_CRITICAL)));
  EXPECT_EQ(all.calls() - calls, 3U);
  EXPECT_FALSE(all.is_calling());
}

TEST(Subscriptions, AreCalledOnceAfterTheFall) {
  Subscriptions all;
  Told told;
  ASSERT_NE(told.join(all, LUNA_PRESSURE_MODERATE), 0U);

  for (const luna_pressure_level level :
       {LUNA_PRESSURE_CRITICAL, LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_LOW, LUNA_PRESSURE_NONE})
    EXPECT_TRUE(all.tell(event_of(level), 1000));

  EXPECT_EQ(told.levels, (std::vector<int>{LUNA_PRESSURE_CRITICAL, LUNA_PRESSURE_LOW}));
}

TEST(Subscriptions, ARiseAfterAFallIsTold) {
  Subscriptions all;
  Told told;
  ASSERT_NE(told.join(all, LUNA_PRESSURE_LOW), 0U);

  for (const luna_pressure_level level :
       {LUNA_PRESSURE_CRITICAL, LUNA_PRESSURE_LOW, LUNA_PRESSURE_MODERATE})
    EXPECT_TRUE(all.tell(event_of(level), 1000));

  EXPECT_EQ(told.levels, (std::vector<int>{LUNA_PRESSURE_CRITICAL, LUNA_PRESSURE_MODERATE}));
}

TEST(Subscriptions, AreCalledAgainAfterTheInterval) {
  Subscriptions all;
  Told told;
  ASSERT_NE(told.join(all, LUNA_PRESSURE_LOW, 500), 0U);

  for (const std::uint64_t now_ms : {1000U, 1499U, 1500U, 1999U, 2600U})
    EXPECT_TRUE(all.tell(event_of(LUNA_PRESSURE_LOW), now_ms));

  EXPECT_EQ(told.levels.size(), 3U);
}

TEST(Subscriptions, TheTableIsBounded) {
  Subscriptions all;
  Told told;
  luna_subscription last = 0;
  for (int i = 0; i < LUNA_PRESSURE_SUBSCRIPTIONS; ++i) last = told.join(all, LUNA_PRESSURE_LOW);
  ASSERT_NE(last, 0U);

  EXPECT_EQ(told.join(all, LUNA_PRESSURE_LOW), 0U);
  EXPECT_EQ(all.count(), std::size_t{LUNA_PRESSURE_SUBSCRIPTIONS});
  EXPECT_TRUE(all.remove(last));
  EXPECT_NE(told.join(all, LUNA_PRESSURE_LOW), 0U);
}

TEST(Subscriptions, ANumberIsGoodOnce) {
  Subscriptions all;
  Told told;
  const luna_subscription number = told.join(all, LUNA_PRESSURE_LOW);

  EXPECT_TRUE(all.remove(number));
  EXPECT_FALSE(all.remove(number));
  EXPECT_FALSE(all.remove(0));
  EXPECT_TRUE(all.tell(event_of(LUNA_PRESSURE_CRITICAL), 1000));
  EXPECT_TRUE(told.levels.empty());
}

// Takes itself and another away, and adds a third, from within its callback.
struct Meddler {
  static void call(const luna_pressure_event* event, void* context) {
    auto* self = static_cast<Meddler*>(context);
    ++self->calls;
    EXPECT_TRUE(self->all.remove(self->own));
    EXPECT_TRUE(self->all.remove(self->other));
    EXPECT_NE(self->third.join(self->all, LUNA_PRESSURE_LOW), 0U);
    EXPECT_FALSE(self->all.tell(*event, 1000));  // it is at it
  }

  Subscriptions all;
  int calls = 0;
  luna_subscription own = 0;
  luna_subscription other = 0;
  Told second;
  Told third;
};

TEST(Subscriptions, ACallbackMayChangeThem) {
  Meddler meddler;
  ASSERT_TRUE(meddler.all.add({LUNA_PRESSURE_LOW, 1, &Meddler::call, &meddler}, meddler.own));
  meddler.other = meddler.second.join(meddler.all, LUNA_PRESSURE_LOW);

  EXPECT_TRUE(meddler.all.tell(event_of(LUNA_PRESSURE_LOW), 1000));
  EXPECT_TRUE(meddler.all.tell(event_of(LUNA_PRESSURE_LOW), 2000));

  EXPECT_EQ(meddler.calls, 1);
  EXPECT_TRUE(meddler.second.levels.empty());
  EXPECT_EQ(meddler.third.levels.size(), 1U);
}

// A callback that stays until it is let go.
struct Slow {
  static void call(const luna_pressure_event*, void* context) {
    auto* self = static_cast<Slow*>(context);
    self->entered = true;
    while (!self->may_leave) std::this_thread::yield();
    self->left = true;
  }

  std::atomic<bool> entered{false};
  std::atomic<bool> may_leave{false};
  std::atomic<bool> left{false};
};

TEST(Subscriptions, RemovingWaitsForACallbackInAnotherThread) {
  Subscriptions all;
  Slow slow;
  luna_subscription number = 0;
  ASSERT_TRUE(all.add({LUNA_PRESSURE_LOW, 0, &Slow::call, &slow}, number));
  std::thread teller([&] { EXPECT_TRUE(all.tell(event_of(LUNA_PRESSURE_LOW), 1000)); });
  while (!slow.entered) std::this_thread::yield();
  std::atomic<bool> removed{false};
  std::thread remover([&] {
    EXPECT_TRUE(all.remove(number));
    EXPECT_TRUE(slow.left);
    removed = true;
  });
  while (all.count() != 0) std::this_thread::yield();

  EXPECT_FALSE(removed);
  EXPECT_FALSE(all.tell(event_of(LUNA_PRESSURE_CRITICAL), 1000));
  slow.may_leave = true;
  teller.join();
  remover.join();
  EXPECT_TRUE(removed);
}

TEST(Subscriptions, InAChildTheCallerIsGone) {
  Subscriptions all;
  Slow slow;
  Told told;
  luna_subscription number = 0;
  ASSERT_TRUE(all.add({LUNA_PRESSURE_LOW, 0, &Slow::call, &slow}, number));
  ASSERT_NE(told.join(all, LUNA_PRESSURE_LOW), 0U);
  std::thread teller([&] { static_cast<void>(all.tell(event_of(LUNA_PRESSURE_LOW), 1000)); });
  while (!slow.entered) std::this_thread::yield();

  // As a child would find them, but that the other thread goes on at the end.
  all.prepare_fork();
  all.resume_child();

  EXPECT_TRUE(all.remove(number));
  EXPECT_TRUE(all.tell(event_of(LUNA_PRESSURE_LOW), 1000));
  EXPECT_EQ(told.levels.size(), 1U);
  slow.may_leave = true;
  teller.join();
}

TEST(Subscriptions, ThreadsThatComeAndGo) {
  Subscriptions all;
  std::atomic<int> live{0};
  std::atomic<bool> done{false};
  struct Counted {
    static void call(const luna_pressure_event*, void* context) {
      EXPECT_EQ(*static_cast<int*>(context), 1);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        int context = 1;
        luna_subscription number = 0;
        EXPECT_TRUE(all.add({LUNA_PRESSURE_LOW, 1, &Counted::call, &context}, number));
        ++live;
        EXPECT_TRUE(all.remove(number));
        context = 0;  // nobody may see it
      }
    });
  std::thread teller([&] {
    for (std::uint64_t now_ms = 10; !done; now_ms += 10)
      static_cast<void>(all.tell(event_of(LUNA_PRESSURE_CRITICAL), now_ms));
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  teller.join();

  EXPECT_EQ(live, 6000);
  EXPECT_EQ(all.count(), 0U);
}

}  // namespace
}  // namespace luna
