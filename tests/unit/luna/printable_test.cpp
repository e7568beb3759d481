// SPDX-License-Identifier: MIT
#include "printable.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

using tool::printable;

TEST(Printable, TextStays) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("plain ~text"), "plain ~text");
  EXPECT_EQ(printable("gr\u00fc\u00df \u20ac \U0001f600"), "gr\u00fc\u00df \u20ac \U0001f600");
  EXPECT_EQ(printable("\u00a0\u00ff"), "\u00a0\u00ff");  // beyond the control characters
}

TEST(Printable, ControlCharactersAreReplaced) {
  EXPECT_EQ(printable("a\x1b[31mb\n\t\x7f"), "a?[31mb???");
  EXPECT_EQ(printable(std::string("\0", 1)), "?");
  EXPECT_EQ(printable("\u0080\u009b\u009f"), "???");
}

// A terminal of another encoding takes 0x9b for the start of a command.
TEST(Printable, BytesThatAreNoCharacterAreReplaced) {
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "?31m");
  EXPECT_EQ(printable("\xff\xfe"), "??");
  EXPECT_EQ(printable("\xe2\x82"), "??");            // cut short
  EXPECT_EQ(printable("\xc2z"), "?z");               // nothing follows
  EXPECT_EQ(printable("\xc1\x9b\xc0\x80"), "????");  // longer than need be
  EXPECT_EQ(printable("\xe0\x82\x9b"), "???");       // likewise
  EXPECT_EQ(printable("\xf0\x80\x82\x9b"), "????");  // likewise
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");       // half of a character of UTF-16
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");  // beyond the last one
}

TEST(Printable, NoByteByItselfIsAControlCharacter) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string shown = printable(std::string(1, static_cast<char>(byte)));
    EXPECT_EQ(shown, byte >= ' ' && byte < 0x7f ? std::string(1, static_cast<char>(byte)) : "?");
  }
}

}  // namespace
}  // namespace luna
