// SPDX-License-Identifier: MIT
#include "telemetry/frames.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

std::string frame(Modules modules, std::uintptr_t address) {
  test::StringOutput string;
  add_frame(string.out, modules, address);
  return string.text;
}

TEST(Frames, AddressIsThatOfTheCallInItsFile) {
  const test::SampleProfile sample;

  EXPECT_EQ(frame(sample.modules, 0x7f0000002011), "libx.so.6+0x2010");
}

TEST(Frames, CallAtTheEndOfAModuleIsInIt) {
  const test::SampleProfile sample;

  EXPECT_EQ(frame(sample.modules, 0x7f0000004000), "libx.so.6+0x3fff");
}

TEST(Frames, SeparatorsInNamesAreReplaced) {
  const test::SampleProfile sample;

  EXPECT_EQ(frame(sample.modules, 0x401101), "my_app_1+0x401100");
}

TEST(Frames, WhatIsNotUtf8IsReplaced) {
  test::SampleProfile sample;
  sample.modules[0].path = "/a/b\xFF\t\x7F";

  EXPECT_EQ(frame(sample.modules, 0x401101), "b\xEF\xBF\xBD__+0x401100");
}

TEST(Frames, AddressInNoModuleStandsAlone) {
  EXPECT_EQ(frame({}, 0x12345), "0x12344");
  EXPECT_EQ(frame({}, 0), "0x0");
}

}  // namespace
}  // namespace luna
