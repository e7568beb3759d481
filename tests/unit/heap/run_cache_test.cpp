// SPDX-License-Identifier: MIT
#include "heap/run_cache.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace luna {
namespace {

// Memory for runs; only the first word of each is touched.
struct RunMemory {
  [[nodiscard]] void* run(std::size_t number) { return &pages[number * kPageBytes]; }

  std::vector<std::byte> pages = std::vector<std::byte>(64 * kPageBytes);
  RunCache cache;
};

TEST(RunCache, GivesARunOfJustTheRightLength) {
  RunMemory fixture;
  ASSERT_TRUE(fixture.cache.put(fixture.run(0), 5));

  EXPECT_EQ(fixture.cache.take(4), nullptr);
  EXPECT_EQ(fixture.cache.take(6), nullptr);
  EXPECT_EQ(fixture.cache.take(5), fixture.run(0));
  EXPECT_EQ(fixture.cache.take(5), nullptr);
}

TEST(RunCache, LastRunPutIsTheFirstTaken) {
  RunMemory fixture;
  ASSERT_TRUE(fixture.cache.put(fixture.run(0), 5));
  ASSERT_TRUE(fixture.cache.put(fixture.run(5), 5));

  EXPECT_EQ(fixture.cache.take(5), fixture.run(5));
  EXPECT_EQ(fixture.cache.take(5), fixture.run(0));
}

TEST(RunCache, TakesNoRunThatIsTooLong) {
  RunMemory fixture;

  EXPECT_FALSE(fixture.cache.put(fixture.run(0), RunCache::kMaxPages + 1));
  EXPECT_EQ(fixture.cache.take(RunCache::kMaxPages + 1), nullptr);
  EXPECT_EQ(fixture.cache.take(SIZE_MAX), nullptr);
}

TEST(RunCache, IsFullAtItsLimit) {
  RunMemory fixture;
  ASSERT_TRUE(fixture.cache.put(fixture.run(0), RunCache::kMaxBytes / kPageBytes));

  EXPECT_FALSE(fixture.cache.put(fixture.run(40), 1));
}

TEST(RunCache, TakenRunMakesRoom) {
  RunMemory fixture;
  ASSERT_TRUE(fixture.cache.put(fixture.run(0), RunCache::kMaxBytes / kPageBytes));
  ASSERT_NE(fixture.cache.take(RunCache::kMaxBytes / kPageBytes), nullptr);

  EXPECT_TRUE(fixture.cache.put(fixture.run(40), 1));
}

TEST(RunCache, AnyRunIsTakenUntilItIsEmpty) {
  RunMemory fixture;
  ASSERT_TRUE(fixture.cache.put(fixture.run(0), 1));
  ASSERT_TRUE(fixture.cache.put(fixture.run(1), 5));
  ASSERT_TRUE(fixture.cache.put(fixture.run(6), 5));
  ASSERT_TRUE(fixture.cache.put(fixture.run(11), 8));

  int taken = 0;
  while (fixture.cache.take_any() != nullptr) ++taken;

  EXPECT_EQ(taken, 4);
  EXPECT_TRUE(fixture.cache.put(fixture.run(0), RunCache::kMaxBytes / kPageBytes));
}

TEST(RunCache, ForgottenRunsAreGone) {
  RunMemory fixture;
  ASSERT_TRUE(fixture.cache.put(fixture.run(0), 3));
  fixture.cache.forget();

  EXPECT_EQ(fixture.cache.take(3), nullptr);
  EXPECT_EQ(fixture.cache.take_any(), nullptr);
}

}  // namespace
}  // namespace luna
