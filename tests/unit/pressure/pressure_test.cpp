// SPDX-License-Identifier: MIT
#include "pressure/pressure.hpp"

#include "heap/pool_list.hpp"
#include "support/cgroup_tree.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>

namespace luna {
namespace {

// A heap with some memory that is free, in a cgroup of 100,000 bytes; the clock goes on by itself.
struct Pressed {
  static constexpr std::size_t kBlocks = 64;
  static constexpr std::size_t kBytes = 300'000;

  explicit Pressed(const PressureSettings& settings = {}) { pressure.set(settings); }
  ~Pressed() { allocator->park(*heap); }

  void make_free_memory() {
    std::array<void*, kBlocks> blocks;
    for (void*& block : blocks) block = allocator->allocate(*heap, kBytes);
    for (void* block : blocks) EXPECT_EQ(allocator->deallocate(heap, block), Verdict::kDone);
  }

  // What is free and backed, in percent of what was made free.
  [[nodiscard]] std::size_t free_percent() const {
    return allocator->pages().totals().dirty * 100 / (kBlocks * kBytes);
  }

  void use(int percent) {
    tree.add("/app", "100000", "max", std::to_string(percent * 1000), "0");
    now_ms += 100;
  }

  [[nodiscard]] luna_pressure_event look() { return pressure.look(tree.root(), now_ms); }
  [[nodiscard]] bool tells() {
    return pressure.tell(pressure.ease(tree.root(), heap, now_ms), now_ms);
  }
  void check() { EXPECT_TRUE(tells()); }
  luna_pressure_level grow() { return pressure.release_if_near(tree.root(), heap, now_ms); }

  static void call(const luna_pressure_event* event, void* context) {
    auto* self = static_cast<Pressed*>(context);
    ++self->calls;
    self->told = *event;
  }

  void subscribe() {
    luna_subscription number = 0;
    EXPECT_TRUE(pressure.subscriptions().add({LUNA_PRESSURE_LOW, 0, &Pressed::call, this}, number));
  }

  test::CgroupTreeV2 tree{"/app"};
  std::unique_ptr<test::TestAllocator> allocator = std::make_unique<test::TestAllocator>();
  ThreadHeap* heap = allocator->attach();
  Pressure pressure{*allocator};
  std::uint64_t now_ms = 100'000;
  luna_pressure_event told{};
  int calls = 0;
};

TEST(Pressure, LooksAtTheLimit) {
  Pressed pressed;
  pressed.tree.write("/proc/thread-self/status", "VmRSS:\t 12 kB\n");
  pressed.use(86);
  const luna_pressure_event event = pressed.look();

  EXPECT_EQ(event.struct_size, sizeof event);
  EXPECT_EQ(event.level, std::uint64_t{LUNA_PRESSURE_MODERATE});
  EXPECT_EQ(event.source, std::uint64_t{LUNA_PRESSURE_FROM_CGROUP});
  EXPECT_EQ(event.used_bytes, 86'000U);
  EXPECT_EQ(event.limit_bytes, 100'000U);
  EXPECT_EQ(event.resident_bytes, 12U * 1024);
  EXPECT_EQ(event.released_bytes, 0U);
}

TEST(Pressure, ReadsWhatTheCgroupWaitsFor) {
  Pressed pressed;
  pressed.use(10);
  pressed.tree.write("/proc/pressure/memory",
                     "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                     "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
  ASSERT_EQ(pressed.look().level, std::uint64_t{LUNA_PRESSURE_NONE});
  pressed.tree.write("/sys/fs/cgroup/app/memory.pressure",
                     "some avg10=50.00 avg60=0.00 avg300=0.00 total=9\n"
                     "full avg10=35.00 avg60=0.00 avg300=0.00 total=9\n");
  const luna_pressure_event event = pressed.look();

  EXPECT_EQ(event.level, std::uint64_t{LUNA_PRESSURE_CRITICAL});
  EXPECT_EQ(event.source, std::uint64_t{LUNA_PRESSURE_FROM_STALL});
}

TEST(Pressure, AnOwnLimitCounts) {
  Pressed pressed({{}, 1 << 20, true});
  ASSERT_EQ(pressed.look().source, std::uint64_t{LUNA_PRESSURE_FROM_NOTHING});
  pressed.make_free_memory();
  const luna_pressure_event event = pressed.look();

  EXPECT_EQ(event.source, std::uint64_t{LUNA_PRESSURE_FROM_OWN_LIMIT});
  EXPECT_GE(event.used_bytes, Pressed::kBlocks * Pressed::kBytes);
  EXPECT_EQ(event.limit_bytes, 1U << 20);
}

TEST(Pressure, ARefusalIsToldForAWhile) {
  Pressed pressed;
  pressed.use(10);
  ASSERT_EQ(pressed.look().level, std::uint64_t{LUNA_PRESSURE_NONE});
  pressed.pressure.note_refusal(pressed.now_ms);

  EXPECT_EQ(pressed.look().source, std::uint64_t{LUNA_PRESSURE_FROM_REFUSAL});
  pressed.now_ms += 999;
  EXPECT_EQ(pressed.look().level, std::uint64_t{LUNA_PRESSURE_CRITICAL});
  pressed.now_ms += 1;
  EXPECT_EQ(pressed.look().level, std::uint64_t{LUNA_PRESSURE_NONE});
}

TEST(Pressure, WhatWasToldHoldsForAWhile) {
  Pressed pressed;
  pressed.use(10);
  pressed.pressure.note_sign({true, LUNA_PRESSURE_MODERATE, LUNA_PRESSURE_FROM_SYSTEMD},
                             pressed.now_ms);
  pressed.pressure.note_sign({true, LUNA_PRESSURE_LOW, LUNA_PRESSURE_FROM_KERNEL_EVENT},
                             pressed.now_ms);
  pressed.pressure.note_sign({}, pressed.now_ms);

  pressed.now_ms += 1999;
  EXPECT_EQ(pressed.look().level, std::uint64_t{LUNA_PRESSURE_MODERATE});
  EXPECT_EQ(pressed.look().source, std::uint64_t{LUNA_PRESSURE_FROM_SYSTEMD});
  pressed.now_ms += 1;
  EXPECT_EQ(pressed.look().level, std::uint64_t{LUNA_PRESSURE_NONE});
}

TEST(Pressure, HalfGoesBackAtModerateAndAllAtCritical) {
  Pressed pressed;
  pressed.make_free_memory();
  const std::size_t before = pressed.free_percent();
  ASSERT_GT(before, 90U);

  pressed.use(84);
  pressed.check();
  EXPECT_EQ(pressed.free_percent(), before);
  pressed.use(86);
  pressed.check();
  EXPECT_NEAR(static_cast<double>(pressed.free_percent()), 50, 10);
  pressed.use(96);
  pressed.check();
  EXPECT_EQ(pressed.free_percent(), 0U);
}

TEST(Pressure, WhileALevelLastsItGoesBackNowAndThen) {
  Pressed pressed;
  pressed.use(96);
  pressed.check();
  pressed.make_free_memory();

  pressed.now_ms += 500;
  pressed.check();
  EXPECT_GT(pressed.free_percent(), 90U);
  pressed.now_ms += 500;
  pressed.check();
  EXPECT_EQ(pressed.free_percent(), 0U);
}

TEST(Pressure, SubscribersAreToldWhatWentBack) {
  Pressed pressed;
  pressed.subscribe();
  pressed.make_free_memory();
  pressed.use(96);
  pressed.check();

  EXPECT_EQ(pressed.calls, 1);
  EXPECT_EQ(pressed.told.level, std::uint64_t{LUNA_PRESSURE_CRITICAL});
  EXPECT_GE(pressed.told.released_bytes, Pressed::kBlocks * Pressed::kBytes * 9 / 10);
}

TEST(Pressure, PoolsGiveBackWhatTheyMay) {
  Pressed pressed;
  PoolList pools;
  pressed.allocator->set_pools(&pools);
  Pool& pool = *pools.create(pressed.allocator->pages(), "pool",
                             {.block_bytes = 1 << 20, .reclaim_on_purge = true});
  void* block = pool.allocate(true);
  std::memset(block, 1, 1 << 20);
  EXPECT_EQ(pool.deallocate(block, true), PoolFree::kDone);
  pressed.subscribe();
  pressed.use(96);
  pressed.check();

  EXPECT_EQ(pool.usage().chunk_bytes, 0U);
  EXPECT_GE(pressed.told.released_bytes, 1U << 20);
  pools.destroy(pressed.allocator->pages(), pool);
}

TEST(Pressure, AfterTheEndNobodyIsCalled) {
  Pressed pressed;
  pressed.subscribe();
  pressed.use(96);
  pressed.pressure.end();

  EXPECT_FALSE(pressed.tells());
  EXPECT_EQ(pressed.calls, 0);
}

TEST(Pressure, GrowthTowardsALimitGivesBack) {
  Pressed pressed;
  pressed.subscribe();
  pressed.make_free_memory();
  pressed.use(96);
  ASSERT_TRUE(pressed.pressure.has_grown());

  EXPECT_EQ(pressed.grow(), LUNA_PRESSURE_CRITICAL);
  EXPECT_FALSE(pressed.pressure.has_grown());
  EXPECT_EQ(pressed.free_percent(), 0U);
  EXPECT_EQ(pressed.calls, 0);
}

TEST(Pressure, GrowthFarFromALimitGivesNothingBack) {
  Pressed pressed;
  pressed.make_free_memory();
  pressed.use(94);

  EXPECT_EQ(pressed.grow(), LUNA_PRESSURE_MODERATE);
  EXPECT_GT(pressed.free_percent(), 90U);
}

TEST(Pressure, ThatCanBeSwitchedOff) {
  Pressed pressed({{}, SIZE_MAX, false});
  pressed.make_free_memory();
  pressed.use(96);

  EXPECT_FALSE(pressed.pressure.has_grown());
}

TEST(Pressure, BothSidesOfAForkGoOn) {
  Pressed pressed;
  pressed.subscribe();
  pressed.use(96);

  pressed.pressure.prepare_fork();
  pressed.pressure.resume_parent();
  pressed.check();
  pressed.pressure.prepare_fork();
  pressed.pressure.resume_child();
  pressed.use(10);
  pressed.check();

  EXPECT_EQ(pressed.calls, 2);
}

}  // namespace
}  // namespace luna
