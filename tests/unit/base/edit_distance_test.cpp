// SPDX-License-Identifier: MIT
#include "base/edit_distance.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

TEST(EditDistance, CountsLettersThatAreChangedAddedOrLeftOut) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("decay", "decay"), 0U);
  EXPECT_EQ(edit_distance("decay_ms", "decay.ms"), 1U);
  EXPECT_EQ(edit_distance("deca", "decay"), 1U);
  EXPECT_EQ(edit_distance("decayy", "decay"), 1U);
  EXPECT_EQ(edit_distance("", "decay"), 5U);
  EXPECT_EQ(edit_distance("decay", ""), 5U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(EditDistance, WordsOfAnyLengthAreCompared) {
  const std::string text(5000, 'x');

  EXPECT_EQ(edit_distance(text, "a"), 5000U);
  EXPECT_EQ(edit_distance("a", text), 63U);
  EXPECT_EQ(edit_distance(text, text), 5000U - 63);
}

}  // namespace
}  // namespace luna
