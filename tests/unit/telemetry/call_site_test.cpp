// SPDX-License-Identifier: MIT
#include "telemetry/call_site.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace luna {
namespace {

// Whether code that ends with these bytes, behind others, ends in a call.
bool ends(std::initializer_list<std::uint8_t> bytes) {
  CodeBytes code;
  code.fill(0x90);
  std::size_t place = code.size() - bytes.size();
  for (const std::uint8_t byte : bytes) code[place++] = byte;
  return ends_in_call(code);
}

TEST(CallSite, CallsOfAllForms) {
  EXPECT_TRUE(ends({0xE8, 1, 2, 3, 4}));              // call 0x4030201
  EXPECT_TRUE(ends({0xFF, 0xD0}));                    // call *%rax
  EXPECT_TRUE(ends({0x41, 0xFF, 0xD3}));              // call *%r11
  EXPECT_TRUE(ends({0xFF, 0x13}));                    // call *(%rbx)
  EXPECT_TRUE(ends({0xFF, 0x14, 0x24}));              // call *(%rsp)
  EXPECT_TRUE(ends({0xFF, 0x50, 0x18}));              // call *0x18(%rax)
  EXPECT_TRUE(ends({0xFF, 0x54, 0x24, 0x18}));        // call *0x18(%rsp)
  EXPECT_TRUE(ends({0xFF, 0x15, 1, 2, 3, 4}));        // call *0x4030201(%rip)
  EXPECT_TRUE(ends({0xFF, 0x90, 1, 2, 3, 4}));        // call *0x4030201(%rax)
  EXPECT_TRUE(ends({0xFF, 0x94, 0xC3, 1, 2, 3, 4}));  // call *0x4030201(%rbx,%rax,8)
  EXPECT_TRUE(ends({0xFF, 0x14, 0xC5, 1, 2, 3, 4}));  // call *0x4030201(,%rax,8)
}

TEST(CallSite, WhatIsNoCall) {
  EXPECT_FALSE(ends({}));
  EXPECT_FALSE(ends({0xC3}));                    // ret
  EXPECT_FALSE(ends({0xFF, 0xE0}));              // jmp *%rax
  EXPECT_FALSE(ends({0xFF, 0xC0}));              // inc %eax
  EXPECT_FALSE(ends({0xE9, 1, 2, 3, 4}));        // jmp
  EXPECT_FALSE(ends({0xE8, 1, 2, 3, 4, 5}));     // behind the instruction behind a call
  EXPECT_FALSE(ends({0xFF, 0x14}));              // there is no end yet
  EXPECT_FALSE(ends({0xFF, 0x50}));              // nor here
  EXPECT_FALSE(ends({0xFF, 0xD0, 0x48, 0x89}));  // behind more
}

}  // namespace
}  // namespace luna
