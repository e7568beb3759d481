// SPDX-License-Identifier: MIT
#include "telemetry/suppressions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace luna {
namespace {

TEST(Suppressions, PatternMayStandAnywhere) {
  EXPECT_TRUE(matches("my_function", "my_function"));
  EXPECT_TRUE(matches("my_function", "_Z11my_functionv"));
  EXPECT_FALSE(matches("my_function", "my_other_function"));
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_FALSE(matches("a", ""));
}

TEST(Suppressions, AnchorsTieIt) {
  EXPECT_TRUE(matches("^lib", "library"));
  EXPECT_FALSE(matches("^lib", "/usr/lib"));
  EXPECT_TRUE(matches(".so$", "libx.so"));
  EXPECT_FALSE(matches(".so$", "libx.so.1"));
  EXPECT_TRUE(matches("^main$", "main"));
  EXPECT_FALSE(matches("^main$", "main2"));
  EXPECT_FALSE(matches("^main$", "domain"));
  EXPECT_FALSE(matches("^abab$", "ab"));
}

TEST(Suppressions, StarsStandForAnything) {
  EXPECT_TRUE(matches("lib*.so", "/usr/lib/libfoo.so.6"));
  EXPECT_TRUE(matches("^a*b*c$", "axxbyyc"));
  EXPECT_TRUE(matches("^a*b*c$", "abc"));
  EXPECT_FALSE(matches("^a*b*c$", "acb"));
  EXPECT_TRUE(matches("^*x", "aax"));
  EXPECT_TRUE(matches("x*$", "axb"));
  EXPECT_TRUE(matches("^a*a$", "aa"));
  EXPECT_FALSE(matches("^a*a$", "a"));
}

TEST(Suppressions, ColonsFindMangledNames) {
  EXPECT_TRUE(matches("Pool::grow", "_ZN4Pool4growEv"));
  EXPECT_TRUE(matches("ns::Pool::grow", "_ZN2ns4Pool4growEi"));
  EXPECT_FALSE(matches("Pool::grow", "_ZN4Pool6shrinkEv"));
}

struct Parsed {
  explicit Parsed(const std::string& text) {
    EXPECT_TRUE(suppressions.parse(text, [&](const SuppressionError& error) {
      errors.push_back(std::to_string(error.line) + ": " + std::string(error.what));
    }));
  }

  Suppressions suppressions;
  std::vector<std::string> errors;
};

TEST(Suppressions, LinesThatAreNoneAreNamedAndTheRestCounts) {
  Parsed parsed("# a comment\n\n  leak:one  \r\nrace:two\nleak:\nleak:*\nleak:three*\nleak");
  ASSERT_EQ(parsed.suppressions.count(), 2U);
  EXPECT_EQ(parsed.suppressions[0].pattern, "one");
  EXPECT_EQ(parsed.suppressions[1].pattern, "three*");
  const std::vector<std::string> expected = {
      "4: does not begin with leak:", "5: has a pattern that stands for everything",
      "6: has a pattern that stands for everything", "8: does not begin with leak:"};
  EXPECT_EQ(parsed.errors, expected);
}

TEST(Suppressions, TheFirstThatMatchesIsFound) {
  Parsed parsed("leak:alpha\nleak:alphabet\nleak:beta\n");
  EXPECT_EQ(parsed.suppressions.find("alphabet"), &parsed.suppressions[0]);
  EXPECT_EQ(parsed.suppressions.find("a beta version"), &parsed.suppressions[2]);
  EXPECT_EQ(parsed.suppressions.find("gamma"), nullptr);
  EXPECT_EQ(parsed.suppressions.find(""), nullptr);
}

TEST(Suppressions, NoFileIsNoSuppression) {
  Parsed parsed("");
  EXPECT_EQ(parsed.suppressions.count(), 0U);
  EXPECT_EQ(parsed.suppressions.find("x"), nullptr);
  EXPECT_TRUE(parsed.errors.empty());
}

}  // namespace
}  // namespace luna
