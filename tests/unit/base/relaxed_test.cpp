// SPDX-License-Identifier: MIT
#include "base/relaxed.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace luna {
namespace {

struct Pair {
  Relaxed<std::uint64_t> number = 7;
  Relaxed<bool> flag = true;
};

TEST(Relaxed, ReadsAndWritesAsItsValue) {
  Relaxed<std::uint64_t> number;
  EXPECT_EQ(number, 0U);
  number = 5;
  EXPECT_EQ(number << 2, 20U);
  const std::uint64_t copy = number;
  EXPECT_EQ(copy, 5U);
}

TEST(Relaxed, StructsOfThemAreCopied) {
  Pair from;
  from.number = 8;
  Pair to = from;
  EXPECT_EQ(to.number, 8U);
  from.flag = false;
  to = from;
  EXPECT_FALSE(to.flag);
}

TEST(Relaxed, OneThreadReadsWhatAnotherWrites) {
  Relaxed<std::uint64_t> number;
  std::thread writer([&number] {
    for (std::uint64_t i = 1; i <= 10'000; ++i) number = i;
  });
  std::uint64_t last = 0;
  while (last < 10'000) {
    const std::uint64_t now = number;
    ASSERT_GE(now, last);
    last = now;
  }
  writer.join();
}

}  // namespace
}  // namespace luna
