// SPDX-License-Identifier: MIT
#include "os/pressure_stall.hpp"

#include "support/file_tree.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

using os::kUnknown;
using os::PressureStall;
using os::read_pressure_stall;

constexpr const char* kSome = "some avg10=1.25 avg60=0.07 avg300=100.00 total=4711\n";
constexpr const char* kFull = "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";

[[nodiscard]] PressureStall parsed(const std::string& text) {
  const test::FileTree tree;
  tree.write("/app/memory.pressure", text);
  return read_pressure_stall({tree.root(), "/app", "memory.pressure"});
}

TEST(PressureStall, BothLinesAreRead) {
  std::string both = kSome;
  both += kFull;
  const PressureStall stall = parsed(both);

  EXPECT_TRUE(stall.is_available());
  EXPECT_EQ(stall.some.last_10_s, 125U);
  EXPECT_EQ(stall.some.last_60_s, 7U);
  EXPECT_EQ(stall.some.last_300_s, 10000U);
  EXPECT_EQ(stall.some.total_us, 4711U);
  EXPECT_EQ(stall.full.last_10_s, 0U);
  EXPECT_EQ(stall.full.total_us, 0U);
}

TEST(PressureStall, WhatIsAbsentIsNotZero) {
  const PressureStall absent = read_pressure_stall({{}, "/nowhere/memory.pressure"});
  const PressureStall half = parsed(kSome);
  const PressureStall nothing = parsed("");

  EXPECT_FALSE(absent.is_available());
  EXPECT_EQ(absent.some.last_10_s, kUnknown);
  EXPECT_FALSE(nothing.is_available());
  EXPECT_TRUE(half.is_available());
  EXPECT_EQ(half.full.last_10_s, kUnknown);
  EXPECT_EQ(half.full.total_us, kUnknown);
}

TEST(PressureStall, AMalformedLineIsNone) {
  for (const char* text : {"some avg10=1.25 avg60=0.07 avg300=1.00 total=4711",
                           "some avg10=1.25 avg60=0.07 avg300=1.00\n",
                           "some avg10=1.2 avg60=0.07 avg300=1.00 total=1\n",
                           "some avg10=1 avg60=0.07 avg300=1.00 total=1\n", "some\n",
                           "some avg60=1.25 avg10=0.07 avg300=1.00 total=1\n",
                           "some avg10=101.00 avg60=0.07 avg300=1.00 total=1\n",
                           "some avg10=-1.00 avg60=0.07 avg300=1.00 total=1\n",
                           "some avg10=1.25 avg60=0.07 avg300=1.00 total=x\n"})
    EXPECT_FALSE(parsed(text).is_available()) << text;
}

TEST(PressureStall, OfThisMachine) {
  const PressureStall stall = read_pressure_stall(os::kMachinePressure);

  if (!os::exists(os::kMachinePressure)) {
    EXPECT_FALSE(stall.is_available());
  } else if (stall.is_available()) {  // else the kernel was told not to measure it
    EXPECT_LE(stall.full.total_us, stall.some.total_us);
  }
}

}  // namespace
}  // namespace luna
