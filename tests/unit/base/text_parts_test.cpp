// SPDX-License-Identifier: MIT
#include "base/text_parts.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(Trimmed, TakesBlanksFromBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Trimmed, TakesThoseThatAreNamed) { EXPECT_EQ(trimmed("\n a \n", " \n"), "a"); }

TEST(Trimmed, LeavesOthers) { EXPECT_EQ(trimmed("\n a\n", " "), "\n a\n"); }

TEST(NextPart, GoesFromSeparatorToSeparator) {
  std::string_view text = "a,,b c";

  EXPECT_EQ(next_part(text, ','), "a");
  EXPECT_EQ(next_part(text, ','), "");
  EXPECT_EQ(text, "b c");
  EXPECT_EQ(next_part(text, ','), "b c");
  EXPECT_EQ(text, "");
  EXPECT_EQ(next_part(text, ','), "");
}

}  // namespace
}  // namespace luna
