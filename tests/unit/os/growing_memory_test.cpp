// SPDX-License-Identifier: MIT
#include "os/growing_memory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna::os {
namespace {

TEST(GrowingMemory, KeepsAllThatIsAdded) {
  GrowingMemory memory;
  Output out = memory.output();
  std::string expected;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    out.add_decimal(i);
    expected += std::to_string(i);
  }

  EXPECT_TRUE(out.ok());
  EXPECT_EQ(memory.view(), expected);
}

TEST(GrowingMemory, TakesMoreThanTwiceAtOnce) {
  GrowingMemory memory;
  const std::string much(1'000'000, 'a');
  memory.output().add("b").add(much);

  EXPECT_EQ(memory.view(), "b" + much);
}

TEST(GrowingMemory, IsEmptyAfterwards) {
  GrowingMemory memory;
  memory.output().add("a");
  memory.clear();
  EXPECT_EQ(memory.view(), "");

  memory.release();
  memory.output().add("b");
  EXPECT_EQ(memory.view(), "b");
}

}  // namespace
}  // namespace luna::os
