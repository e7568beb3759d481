// SPDX-License-Identifier: MIT
#include "telemetry/frames.hpp"

#include "support/perf_map.hpp"
#include "support/runtime_frames.hpp"
#include "telemetry/code_names.hpp"

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

TEST(Frames, AddressInNoModuleIsSaidToBeSo) {
  EXPECT_EQ(frame({}, 0x12345), "[anon]+0x12344");
  EXPECT_EQ(frame({}, 0), "[anon]+0x0");
}

TEST(Frames, WhatARuntimeNamedHasItsName) {
  const test::RuntimeProfile sample;

  EXPECT_EQ(frame(sample.modules, sample.frames[0]), "make_row@lib/db.py:7");
  EXPECT_EQ(frame({}, sample.frames[1]), "<main>");
  EXPECT_EQ(runtime_name_of({}, sample.frames[0]), "make row");
  EXPECT_EQ(call_address(sample.frames[0]), sample.frames[0]);
}

TEST(Frames, CodeMadeAtRunTimeHasTheNameOfItsFile) {
  const test::SampleProfile sample;
  const test::PerfMap map("12000 1000 JS:*f app.js;1\n");
  CodeNames names;
  ASSERT_TRUE(names.add(sample.rows[2].stack, sample.modules));
  ASSERT_TRUE(names.load());
  const Modules modules = Modules(sample.modules).with(names);

  EXPECT_EQ(frame(modules, 0x12345), "JS:*f_app.js_1");
  EXPECT_EQ(runtime_name_of(modules, 0x12345), "JS:*f app.js;1");
  EXPECT_EQ(frame(modules, 0x13001), "[anon]+0x13000");
  EXPECT_EQ(runtime_name_of(modules, 0x401201), "");
}

}  // namespace
}  // namespace luna
