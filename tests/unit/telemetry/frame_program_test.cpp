// SPDX-License-Identifier: MIT
// Entries of .eh_frame that no compiler is certain to write for the test.
#include "telemetry/frame_program.hpp"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <vector>

namespace luna {
namespace {

constexpr std::uintptr_t kBegin = 0x10000;
constexpr auto kSp = static_cast<std::uint8_t>(Machine::kSp);
constexpr auto kFp = static_cast<std::uint8_t>(Machine::kFp);
constexpr auto kExtra = static_cast<std::uint8_t>(Machine::kExtra);
constexpr auto kReturn = static_cast<std::uint8_t>(Machine::kReturnAddress);

// A function whose entry begins as it does after a call on x86-64: CFA = sp + 8, and the
// return address right below.
struct Function {
  explicit Function(std::vector<std::uint8_t> instructions) : program(std::move(instructions)) {
    frame.begin = kBegin;
    frame.end = kBegin + 256;
    frame.data_unit = -8;
    frame.return_address_register = kReturn;
    frame.common_program = reader(kCommon);
    frame.program = reader(program);
  }

  [[nodiscard]] static DwarfReader reader(std::span<const std::uint8_t> bytes) {
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    return {begin, begin + bytes.size()};
  }

  [[nodiscard]] UnwindRule at(std::uintptr_t offset) const {
    return FrameProgram(frame).rule_at(kBegin + offset);
  }

  static constexpr std::array<std::uint8_t, 5> kCommon = {0x0c, kSp, 8, 0x80 | kReturn, 1};
  std::vector<std::uint8_t> program;
  FrameDescription frame;
};

TEST(FrameProgram, RowHoldsFromItsAddressOn) {
  const Function function({0x41, 0x0e, 16, static_cast<std::uint8_t>(0x80 | kFp), 2});

  EXPECT_EQ(function.at(0).cfa_offset, 8);
  EXPECT_FALSE(function.at(0).fp.is_saved);
  EXPECT_EQ(function.at(1).cfa_offset, 16);
  EXPECT_EQ(function.at(1).fp, (SavedRegister{true, -16}));
}

TEST(FrameProgram, RememberedRowComesBack) {
  const Function function({0x0e, 64, 0x41, 0x0a, 0x0e, 8, 0x41, 0x0b});

  EXPECT_EQ(function.at(0).cfa_offset, 64);
  EXPECT_EQ(function.at(1).cfa_offset, 8);
  EXPECT_EQ(function.at(2).cfa_offset, 64);
}

TEST(FrameProgram, RestoredRegisterIsAsItWasAtTheCall) {
  const Function function(
      {static_cast<std::uint8_t>(0x80 | kFp), 2, 0x41, static_cast<std::uint8_t>(0xc0 | kFp)});

  EXPECT_TRUE(function.at(0).fp.is_saved);
  EXPECT_FALSE(function.at(1).fp.is_saved);
}

TEST(FrameProgram, RegisterMayBeNamedInFull) {
  const std::uint8_t saved = 0x80 | kFp;

  EXPECT_EQ(Function({0x05, kFp, 2}).at(0).fp, (SavedRegister{true, -16}));
  EXPECT_EQ(Function({0x11, kFp, 0x7f}).at(0).fp, (SavedRegister{true, 8}));
  EXPECT_FALSE(Function({saved, 2, 0x06, kFp}).at(0).fp.is_saved);  // as at the call
  EXPECT_FALSE(Function({saved, 2, 0x08, kFp}).at(0).fp.is_saved);  // the same value
}

TEST(FrameProgram, RowMayBeginAtAnAddressInFull) {
  constexpr std::uint8_t kSetLoc = 0x01;
  const Function function({kSetLoc, 0x03, 0, 1, 0, 0, 0, 0, 0, 0x0e, 32});

  EXPECT_EQ(function.at(2).cfa_offset, 8);
  EXPECT_EQ(function.at(3).cfa_offset, 32);
}

TEST(FrameProgram, CfaMayBeFromAnyRegisterThatIsKnown) {
  EXPECT_EQ(Function({0x0d, kFp}).at(0).kind, RuleKind::kFromFp);
  EXPECT_EQ(Function({0x0d, kExtra}).at(0).kind, RuleKind::kFromExtra);
  EXPECT_EQ(Function({0x0d, 12}).at(0).kind, RuleKind::kNone);
}

TEST(FrameProgram, StackThatGccAlignsIsFoundThroughTheFramePointer) {
  const auto at_fp = static_cast<std::uint8_t>(0x70 + kFp);
  const Function function({0x0f, 3, at_fp, 0x78, 0x06, 0x10, kFp, 2, at_fp, 0});

  // A stack that is aligned so is one of x86.
  if (Machine::kReturnAddressIsExtra) {
    EXPECT_EQ(function.at(0).kind, RuleKind::kNone);
    return;
  }
  EXPECT_EQ(function.at(0).kind, RuleKind::kThroughFp);
  EXPECT_EQ(function.at(0).cfa_offset, -8);
  EXPECT_EQ(function.at(0).fp, (SavedRegister{true, 0}));
}

TEST(FrameProgram, EntryOfTheLinkageTablePushesAtItsEnd) {
  const Function function({0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22});

  EXPECT_EQ(function.at(0).cfa_offset, 8);
  EXPECT_EQ(function.at(10).cfa_offset, 8);
  EXPECT_EQ(function.at(11).cfa_offset, 16);
  EXPECT_EQ(function.at(27).cfa_offset, 16);
}

TEST(FrameProgram, OutermostFunctionHasNoReturnAddress) {
  EXPECT_EQ(Function({0x07, kReturn}).at(0).kind, RuleKind::kEnd);
}

TEST(FrameProgram, FrameOfASignalIsOne) {
  Function function({});
  function.frame.is_signal_frame = true;

  EXPECT_EQ(function.at(0).kind, RuleKind::kSignal);
}

TEST(FrameProgram, AnOffsetThatOverflowsIsNoRule) {
  // Nearly the largest number, of which eight times as much is a small one again.
  constexpr std::array<std::uint8_t, 10> kLarge = {0xff, 0xff, 0xff, 0xff, 0xff,
                                                   0xff, 0xff, 0xff, 0xff, 0x00};
  const auto kind_of = [&](std::vector<std::uint8_t> instructions) {
    instructions.insert(instructions.end(), kLarge.begin(), kLarge.end());
    return Function(std::move(instructions)).at(0).kind;
  };

  EXPECT_EQ(kind_of({0x12, kSp}), RuleKind::kNone);
  EXPECT_EQ(kind_of({0x13}), RuleKind::kNone);
  EXPECT_EQ(kind_of({static_cast<std::uint8_t>(0x80 | kFp)}), RuleKind::kNone);
  EXPECT_EQ(kind_of({0x11, kFp}), RuleKind::kNone);
  EXPECT_EQ(kind_of({0x2f, kFp}), RuleKind::kNone);
}

TEST(FrameProgram, WhatIsNotUnderstoodIsNoRule) {
  EXPECT_EQ(Function({0x3f}).at(0).kind, RuleKind::kNone);           // no such instruction
  EXPECT_EQ(Function({0x0b}).at(0).kind, RuleKind::kNone);           // nothing was remembered
  EXPECT_EQ(Function({0x0c, kSp}).at(0).kind, RuleKind::kNone);      // ends too early
  EXPECT_EQ(Function({0x0f, 9, 0x70}).at(0).kind, RuleKind::kNone);  // and so does this
  EXPECT_EQ(Function({0x0f, 1, 0x96}).at(0).kind, RuleKind::kNone);  // a nop, no address
  EXPECT_EQ(Function({0x09, kFp, 3}).at(0).kind, RuleKind::kNone);   // in another register
  EXPECT_EQ(Function({0x16, kFp, 1, 0x96}).at(0).kind, RuleKind::kNone);
}

}  // namespace
}  // namespace luna
