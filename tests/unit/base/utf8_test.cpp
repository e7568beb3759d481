// SPDX-License-Identifier: MIT
#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

// The text with ? for what is not valid.
std::string valid(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::string_view character = take_character(text);
    result += character == kReplacementCharacter ? "?" : character;
  }
  return result;
}

TEST(Utf8, ValidTextStaysAsItIs) {
  for (const std::string_view text : {"plain", "\x7F", "\xC2\x80", "\xC3\xA4", "\xE0\xA0\x80",
                                      "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(valid(text), text);
}

TEST(Utf8, ZeroIsACharacter) {
  const std::string_view text("a\0b", 3);

  EXPECT_EQ(valid(text), text);
}

TEST(Utf8, EachInvalidByteIsReplaced) {
  EXPECT_EQ(valid("a\xFF"
                  "b"),
            "a?b");
  EXPECT_EQ(valid("\x80z"), "?z");
  EXPECT_EQ(valid("\xC3"), "?");                 // cut off
  EXPECT_EQ(valid("\xE2\x82"), "??");            // cut off
  EXPECT_EQ(valid("\xC0\xAF"), "??");            // a slash, too long
  EXPECT_EQ(valid("\xE0\x9F\xBF"), "???");       // too long
  EXPECT_EQ(valid("\xED\xA0\x80"), "???");       // half of a pair
  EXPECT_EQ(valid("\xF0\x8F\xBF\xBF"), "????");  // too long
  EXPECT_EQ(valid("\xF4\x90\x80\x80"), "????");  // beyond the last
  EXPECT_EQ(valid("\xF5\x80\x80\x80"), "????");
}

}  // namespace
}  // namespace luna
