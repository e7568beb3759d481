// SPDX-License-Identifier: MIT
#include "telemetry/rule_cache.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace luna {
namespace {

constexpr std::uintptr_t kCode = 0x7f1234567000;

// Some rule that tells the address it is for.
[[nodiscard]] PackedRule rule_of(std::uintptr_t code) {
  return static_cast<PackedRule>(code * 2654435761U % ((1U << kPackedRuleBits) - 1) + 1);
}

struct LoadedCache {
  LoadedCache() {
    if (!cache.load()) std::abort();
  }
  RuleCache cache;
};

TEST(RuleCache, FindsWhatWasInserted) {
  LoadedCache fixture;
  EXPECT_EQ(fixture.cache.find(kCode), 0U);

  fixture.cache.insert(kCode, 77);

  EXPECT_EQ(fixture.cache.find(kCode), 77U);
  EXPECT_EQ(fixture.cache.find(kCode + 1), 0U);
}

TEST(RuleCache, HoldsTheRulesOfALargeProgram) {
  LoadedCache fixture;
  for (std::uintptr_t i = 0; i < 4000; ++i)
    fixture.cache.insert(kCode + 37 * i, rule_of(kCode + 37 * i));

  int found = 0;
  for (std::uintptr_t i = 0; i < 4000; ++i)
    found += fixture.cache.find(kCode + 37 * i) == rule_of(kCode + 37 * i);

  EXPECT_GT(found, 3200);
}

TEST(RuleCache, HighestAddressesOfUserSpaceAreToldApart) {
  LoadedCache fixture;
  constexpr std::uintptr_t kHighest = 0xffff'ffff'ffff;
  fixture.cache.insert(kHighest, 5);
  fixture.cache.insert(kHighest - 1, 6);

  EXPECT_EQ(fixture.cache.find(kHighest), 5U);
  EXPECT_EQ(fixture.cache.find(kHighest - 1), 6U);
  EXPECT_EQ(fixture.cache.find(kHighest >> 1), 0U);
}

TEST(RuleCache, LongerAddressesAreNotKept) {
  LoadedCache fixture;
  constexpr std::uintptr_t kFiveLevels = std::uintptr_t{1} << 48;
  fixture.cache.insert(kCode | kFiveLevels, 5);

  EXPECT_EQ(fixture.cache.find(kCode | kFiveLevels), 0U);
  EXPECT_EQ(fixture.cache.find(kCode), 0U);
}

TEST(RuleCache, IsEmptyWhenCleared) {
  LoadedCache fixture;
  fixture.cache.insert(kCode, 5);

  fixture.cache.clear();

  EXPECT_EQ(fixture.cache.find(kCode), 0U);
}

TEST(RuleCache, LoadingTwiceKeepsTheRules) {
  LoadedCache fixture;
  fixture.cache.insert(kCode, 5);

  EXPECT_TRUE(fixture.cache.load());

  EXPECT_EQ(fixture.cache.find(kCode), 5U);
}

// More addresses than there are places, by threads that insert, read and clear at once:
// what is found is always the rule of that address.
TEST(RuleCache, NoRuleIsTakenForAnothers) {
  LoadedCache fixture;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (std::uintptr_t i = 0; i < 60'000; ++i) {
        const std::uintptr_t code = kCode + 4099 * (i % 20'000);
        const PackedRule found = fixture.cache.find(code);
        if (found != 0 && found != rule_of(code)) ++wrong;
        if (found == 0) fixture.cache.insert(code, rule_of(code));
        if (i % 16'384 == 0) fixture.cache.clear();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace luna
