// SPDX-License-Identifier: MIT
#include "base/output.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(Output, PassesItsPartsOnInOrder) {
  test::StringOutput string;

  string.out.add("a").add_decimal(12).add("").add_hex(255).add(" ").add_bytes(1536);
  string.out.add(" ").add_percent(1, 8);

  EXPECT_EQ(string.text, "a120xff 1.5 KiB 12.5 %");
  EXPECT_TRUE(string.out.ok());
}

TEST(Output, PassesNothingOnAfterAFailure) {
  test::FullOutput full{4};

  full.out.add("abc").add("de");
  EXPECT_FALSE(full.out.ok());
  full.room = 100;
  full.out.add("f");

  EXPECT_FALSE(full.out.ok());
  EXPECT_EQ(full.room, 100U);
}

}  // namespace
}  // namespace luna
