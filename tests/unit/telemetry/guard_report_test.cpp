// SPDX-License-Identifier: MIT
#include "telemetry/guard_report.hpp"

#include "support/written.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

[[nodiscard]] std::byte* at(std::uintptr_t address) {
  return reinterpret_cast<std::byte*>(address);
}

// A block of 40 bytes at 0x7000, and what is told of it.
struct Reported {
  Reported() {
    block.memory = at(0x7000);
    block.bytes = 40;
    block.state = GuardState::kLive;
    block.allocated.frames[0] = 0x111;
    block.allocated.frames[1] = 0x221;
    block.allocated.depth = 2;
    block.allocated.thread = 5;
  }

  void free() {
    block.state = GuardState::kFreed;
    block.freed.frames[0] = 0x331;
    block.freed.depth = 1;
    block.freed.thread = 6;
  }

  [[nodiscard]] std::string text(MistakeKind kind, std::uintptr_t address) {
    const std::uintptr_t frames[] = {0x441};
    return test::written([&](Output& out) {
      write_guard_report({kind, &block, address}, {"read", {frames, 1}, 7}, {}, out);
    });
  }

  GuardedBlock block;
};

TEST(GuardReport, AnOverflowHasTwoStacks) {
  Reported reported;

  EXPECT_EQ(reported.text(MistakeKind::kBeyond, 0x7028),
            "lunalloc: overflow: read at 0x7028, 1 byte beyond the end of a block of 40 bytes at "
            "0x7000\n"
            "  allocated by thread 5:\n    [anon]+0x110\n    [anon]+0x220\n"
            "  now in thread 7:\n    [anon]+0x440\n");
}

TEST(GuardReport, AHeapIsNamed) {
  Reported reported;
  reported.block.heap_name = {"tenant 7"};

  EXPECT_EQ(reported.text(MistakeKind::kBeyond, 0x7028),
            "lunalloc: overflow: read at 0x7028, 1 byte beyond the end of a block of 40 bytes at "
            "0x7000 of heap \"tenant 7\"\n"
            "  allocated by thread 5:\n    [anon]+0x110\n    [anon]+0x220\n"
            "  now in thread 7:\n    [anon]+0x440\n");
}

TEST(GuardReport, AUseAfterFreeHasThree) {
  Reported reported;
  reported.free();

  EXPECT_EQ(reported.text(MistakeKind::kUseAfterFree, 0x7004),
            "lunalloc: use after free: read at 0x7004, 4 bytes behind the start of a freed block "
            "of 40 bytes at 0x7000\n"
            "  allocated by thread 5:\n    [anon]+0x110\n    [anon]+0x220\n"
            "  freed by thread 6:\n    [anon]+0x330\n"
            "  now in thread 7:\n    [anon]+0x440\n");
}

TEST(GuardReport, WhatIsFoundByAFreeHasThatStackOnce) {
  Reported reported;
  reported.free();

  EXPECT_EQ(reported.text(MistakeKind::kWrittenBefore, 0x6FFE),
            "lunalloc: underflow: found when it was freed, a write at 0x6ffe, 2 bytes before the "
            "start of a block of 40 bytes at 0x7000\n"
            "  allocated by thread 5:\n    [anon]+0x110\n    [anon]+0x220\n"
            "  freed by thread 6:\n    [anon]+0x330\n");
}

TEST(GuardReport, CallsNameThePointer) {
  Reported reported;
  const auto begins = [&](MistakeKind kind, std::uintptr_t address, std::string_view text) {
    return reported.text(kind, address).starts_with(text);
  };

  EXPECT_TRUE(begins(MistakeKind::kInteriorFree, 0x7010,
                     "lunalloc: free of interior pointer 0x7010, 16 bytes behind the start of a "
                     "block of 40 bytes"));
  EXPECT_TRUE(begins(MistakeKind::kBefore, 0x6FFF, "lunalloc: underflow: read at 0x6fff, 1 byte"));
  reported.free();
  EXPECT_TRUE(begins(MistakeKind::kDoubleFree, 0x7000,
                     "lunalloc: double free of 0x7000, the start of a freed block of 40 bytes"));
  EXPECT_TRUE(begins(MistakeKind::kResizeOfFreed, 0x7000,
                     "lunalloc: realloc of a freed block 0x7000, the start of"));
}

TEST(GuardReport, AStackMayBeEmpty) {
  Reported reported;
  reported.block.allocated.depth = 0;

  EXPECT_NE(reported.text(MistakeKind::kBeyond, 0x7028).find("thread 5:\n    (no stack)\n"),
            std::string::npos);
}

}  // namespace
}  // namespace luna
