// SPDX-License-Identifier: MIT
#include "telemetry/thread_numbers.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <map>
#include <memory>
#include <string>
#include <thread>

namespace luna {
namespace {

TEST(ThreadNumbers, EachThreadHasItsOwn) {
  const auto numbers = std::make_unique<ThreadNumbers>();
  EXPECT_EQ(numbers->of_caller(), 1U);
  std::thread([&] {
    pthread_setname_np(pthread_self(), "other");
    EXPECT_EQ(numbers->of_caller(), 2U);
    EXPECT_EQ(numbers->of_caller(), 2U);
    EXPECT_EQ(numbers->label_of(2)->id, os::thread_id());
  }).join();
  EXPECT_EQ(numbers->of_caller(), 1U);
  EXPECT_EQ(std::string(numbers->label_of(2)->name.data()), "other");
  EXPECT_EQ(numbers->label_of(3), nullptr);
  EXPECT_EQ(numbers->label_of(0), nullptr);
}

TEST(ThreadNumbers, KeyOfOneThatEndedIsAnothers) {
  const auto numbers = std::make_unique<ThreadNumbers>();
  EXPECT_EQ(numbers->add(0x1000, {}), 1U);
  numbers->forget(0x1000);
  numbers->forget(0x2000);  // never came by
  EXPECT_EQ(numbers->find(0x1000), ThreadNumbers::kNone);
  EXPECT_EQ(numbers->add(0x1000, {}), 2U);
  EXPECT_NE(numbers->label_of(1), nullptr);
}

TEST(ThreadNumbers, TooManyHaveNone) {
  const auto numbers = std::make_unique<ThreadNumbers>();
  for (std::size_t i = 1; i <= ThreadNumbers::kMaxThreads; ++i)
    ASSERT_EQ(numbers->add(i * 0x1000, {}), i);
  EXPECT_EQ(numbers->of_caller(), ThreadNumbers::kNone);
  EXPECT_EQ(numbers->label_of(1), nullptr);  // its place was taken
  numbers->forget(0x1000);
  EXPECT_EQ(numbers->of_caller(), ThreadNumbers::kMaxThreads + 1);
}

TEST(ThreadNumbers, AgreesWithAMapOverRandomSequences) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto numbers = std::make_unique<ThreadNumbers>();
    std::map<std::uintptr_t, std::uint32_t> expected;
    test::Random random(seed);
    for (int step = 0; step < 20'000; ++step) {
      const std::uintptr_t key = (random.below(4000) + 1) * 0x40;
      if (expected.contains(key) && random.one_in(2)) {
        numbers->forget(key);
        expected.erase(key);
      } else if (!expected.contains(key)) {
        const std::uint32_t number = numbers->add(key, {});
        if (number != 0) expected[key] = number;
      }
    }
    for (std::uintptr_t key = 0x40; key <= 4000 * 0x40; key += 0x40)
      ASSERT_EQ(numbers->find(key), expected.contains(key) ? expected[key] : 0) << seed;
  }
}

TEST(ThreadNumbers, ChildOfAForkHasOneThread) {
  const auto numbers = std::make_unique<ThreadNumbers>();
  numbers->add(0x1000, {});
  EXPECT_EQ(numbers->of_caller(), 2U);
  numbers->keep_caller();
  EXPECT_EQ(numbers->find(0x1000), ThreadNumbers::kNone);
  EXPECT_EQ(numbers->of_caller(), 2U);
}

}  // namespace
}  // namespace luna
