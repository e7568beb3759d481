// SPDX-License-Identifier: MIT
#include "os/lock.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace luna {
namespace {

TEST(Lock, HeldLockCannotBeTaken) {
  os::Lock lock;
  lock.lock();
  EXPECT_FALSE(lock.try_lock());

  lock.unlock();

  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(Lock, ScopeLetsGo) {
  os::Lock lock;
  { const os::ScopedLock guard(lock); }

  EXPECT_TRUE(lock.try_lock());
}

TEST(Lock, LetsOneThreadInAtATime) {
  os::Lock lock;
  std::size_t total = 0;
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kRounds = 20'000;

  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (std::size_t round = 0; round < kRounds; ++round) {
        const os::ScopedLock guard(lock);
        ++total;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(total, kThreads * kRounds);
}

TEST(Lock, WakesAWaiterThatSleeps) {
  os::Lock lock;
  std::atomic<int> entered{0};
  lock.lock();
  std::array<std::thread, 3> waiters;
  for (std::thread& waiter : waiters) {
    waiter = std::thread([&] {
      const os::ScopedLock guard(lock);
      ++entered;
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(entered, 0);

  lock.unlock();
  for (std::thread& waiter : waiters) waiter.join();

  EXPECT_EQ(entered, 3);
}

TEST(Lock, ForkingThreadPassesThroughAHeldLock) {
  os::Lock lock;
  lock.lock();
  os::Lock::begin_fork();

  { const os::ScopedLock inner(lock); }
  const bool held = !lock.try_lock();

  os::Lock::end_fork();
  lock.unlock();
  EXPECT_TRUE(held);
}

TEST(Lock, ForkingThreadLeavesAFreeLockFree) {
  os::Lock lock;
  os::Lock::begin_fork();

  { const os::ScopedLock inner(lock); }
  os::Lock::end_fork();

  EXPECT_TRUE(lock.try_lock());
}

TEST(Lock, OtherThreadsWaitWhileOneForks) {
  os::Lock lock;
  lock.lock();
  os::Lock::begin_fork();
  std::atomic<bool> entered{false};
  std::thread other([&] {
    const os::ScopedLock guard(lock);
    entered = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(entered);

  os::Lock::end_fork();
  lock.unlock();
  other.join();

  EXPECT_TRUE(entered);
}

TEST(Lock, ChildStartsWithAFreeLock) {
  os::Lock lock;
  lock.lock();

  lock.reset_in_child();

  EXPECT_TRUE(lock.try_lock());
}

}  // namespace
}  // namespace luna
