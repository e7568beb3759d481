// SPDX-License-Identifier: MIT
#include "os/thread_stop.hpp"

#include "os/snapshot.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

namespace luna::os {
namespace {

constexpr std::uint64_t kPatience = 10'000;

// Threads that count.
struct Counters {
  explicit Counters(std::size_t number) : counts(number) {
    for (std::size_t i = 0; i < number; ++i)
      threads.emplace_back([this, i] {
        while (!ends) ++counts[i];
      });
    for (std::size_t i = 0; i < number; ++i) wait_for_progress(i);
  }
  ~Counters() {
    ends = true;
    for (std::thread& thread : threads) thread.join();
  }
  void wait_for_progress(std::size_t i) const {
    const std::uint64_t before = counts[i];
    while (counts[i] == before) std::this_thread::yield();
  }
  [[nodiscard]] std::uint64_t sum() const {
    std::uint64_t result = 0;
    for (const auto& count : counts) result += count;
    return result;
  }

  std::atomic<bool> ends{false};
  std::vector<std::atomic<std::uint64_t>> counts;
  std::vector<std::thread> threads;
};

TEST(ThreadStop, ThreadsStandUntilTheyAreLetGo) {
  for (const std::size_t number : {1U, 4U, 30U}) {
    Counters counters(number);
    ThreadStop stop;
    ASSERT_TRUE(stop.begin());
    {
      const SignalGuard signals;
      ASSERT_TRUE(stop.stop(kPatience));
      EXPECT_EQ(stop.count(), number);
      const std::uint64_t before = counters.sum();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
      EXPECT_EQ(counters.sum(), before);
      std::size_t told = 0;
      stop.for_each([&](const ThreadRegisters& registers) {
        EXPECT_GT(registers.words.size(), 20U);
        EXPECT_GT(registers.stack_pointer, 4096U);
        ++told;
      });
      EXPECT_EQ(told, number);
      EXPECT_TRUE(stop.resume());
    }
    for (std::size_t i = 0; i < number; ++i) counters.wait_for_progress(i);
  }
}

TEST(ThreadStop, MayBeDoneAgain) {
  Counters counters(3);
  ThreadStop stop;
  ASSERT_TRUE(stop.begin());
  for (int i = 0; i < 20; ++i) {
    const SignalGuard signals;
    ASSERT_TRUE(stop.stop(kPatience));
    EXPECT_EQ(stop.count(), 3U);
    EXPECT_TRUE(stop.resume());
    EXPECT_FALSE(stop.resume());
  }
}

TEST(ThreadStop, WithoutALimitOthersAreLeftAlone) {
  ThreadStop stop;
  ASSERT_TRUE(stop.begin());
  const SignalGuard signals;
  EXPECT_TRUE(stop.stop(0));
  EXPECT_TRUE(stop.resume());
  const Counters counters(1);
  EXPECT_FALSE(stop.stop(0));
  EXPECT_FALSE(stop.resume());
  counters.wait_for_progress(0);
}

TEST(ThreadStop, LeavesNoProcessBehind) {
  const Counters counters(2);
  ThreadStop stop;
  ASSERT_TRUE(stop.begin());
  const SignalGuard signals;
  ASSERT_TRUE(stop.stop(kPatience));
  EXPECT_TRUE(stop.resume());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace luna::os
