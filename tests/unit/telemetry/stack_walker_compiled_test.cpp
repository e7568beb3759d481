// SPDX-License-Identifier: MIT
// Walks through code that no table tells of, as a run-time compiler makes it.
#include "support/stack_trace.hpp"
#include "telemetry/stack_walker.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>

namespace luna {
namespace {

#if defined(__x86_64__)

using test::after_call;

constexpr std::size_t kPageBytes = 4096;

// Executable memory with this code; called with a function and its argument.
struct Code {
  Code(std::initializer_list<std::uint8_t> bytes)
      : memory(
            mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    EXPECT_NE(memory, MAP_FAILED);
    std::memcpy(memory, std::data(bytes), bytes.size());
    EXPECT_EQ(mprotect(memory, kPageBytes, PROT_READ | PROT_EXEC), 0);
  }
  ~Code() { munmap(memory, kPageBytes); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  void operator()(void (*function)(void*), void* argument) const {
    reinterpret_cast<void (*)(void (*)(void*), void*)>(memory)(function, argument);
    after_call();
  }

  [[nodiscard]] bool holds(std::uintptr_t frame) const {
    return frame - reinterpret_cast<std::uintptr_t>(memory) < kPageBytes;
  }

  void* memory;
};

// push %rbp; mov %rsp,%rbp; xchg %rsi,%rdi; sub $32,%rsp; call *%rsi; leave; ret
const std::initializer_list<std::uint8_t> kWithFrame = {
    0x55, 0x48, 0x89, 0xE5, 0x48, 0x87, 0xF7, 0x48, 0x83, 0xEC, 0x20, 0xFF, 0xD6, 0xC9, 0xC3};

struct Walk {
  Walk() { EXPECT_TRUE(walker.load()); }

  static void take(void* pointer) {
    auto& self = *static_cast<Walk*>(pointer);
    self.depth = self.walker.walk(self.frames.data(), self.frames.size());
    after_call();
  }

  [[nodiscard]] bool has(std::uintptr_t frame) const {
    return std::find(frames.begin(), frames.begin() + depth, frame) != frames.begin() + depth;
  }

  StackWalker walker;
  std::array<std::uintptr_t, 64> frames{};
  std::size_t depth = 0;
};

// A walk of the caller, so that its frames can be looked for in others.
[[gnu::noinline]] std::size_t depth_here(Walk& walk) {
  Walk::take(&walk);
  after_call();
  return walk.depth - 2;  // without this function and take()
}

TEST(StackWalkerCompiled, FramePointersLeadThroughIt) {
  const Code code(kWithFrame);
  Walk outer;
  Walk inner;
  const std::size_t depth = depth_here(outer);
  code(Walk::take, &inner);

  ASSERT_GT(depth, 3U);
  ASSERT_EQ(inner.depth, depth + 3);  // take(), the code, and operator()
  EXPECT_TRUE(code.holds(inner.frames[1])) << inner.frames[1];
  // All of the test's callers are the same.
  for (std::size_t i = 1; i < depth; ++i) EXPECT_EQ(inner.frames[3 + i], outer.frames[2 + i]);
}

struct Nested {
  const Code* code;
  Walk* walk;
  int times;

  static void call(void* pointer) {
    auto& self = *static_cast<Nested*>(pointer);
    if (self.times-- == 0) return Walk::take(self.walk);
    (*self.code)(call, pointer);
  }
};

TEST(StackWalkerCompiled, CompiledAndOtherCodeInTurn) {
  const Code code(kWithFrame);
  Walk outer;
  Walk inner;
  const std::size_t depth = depth_here(outer);
  Nested nested = {&code, &inner, 5};
  Nested::call(&nested);

  std::size_t compiled = 0;
  for (std::size_t i = 0; i < inner.depth; ++i) compiled += code.holds(inner.frames[i]) ? 1U : 0U;
  EXPECT_EQ(compiled, 5U);
  EXPECT_GE(inner.depth, depth + 5 * 2);
}

// push %rbp; xchg %rsi,%rdi; mov %rdx,%rbp; call *%rsi; pop %rbp; ret, with the frame pointer
// that the test gives.
const std::initializer_list<std::uint8_t> kWithOther = {0x55, 0x48, 0x87, 0xF7, 0x48, 0x89,
                                                        0xD5, 0xFF, 0xD6, 0x5D, 0xC3};

[[gnu::noinline]] void call_with_other(const Code& code, Walk& walk, const void* frame_pointer) {
  using Function = void (*)(void (*)(void*), void*, const void*);
  reinterpret_cast<Function>(code.memory)(Walk::take, &walk, frame_pointer);
  after_call();
}

// With two words on the stack as the frame. AddressSanitizer would have them elsewhere.
[[gnu::noinline, gnu::no_sanitize_address]] void call_with_frame(const Code& code, Walk& walk,
                                                                 std::uintptr_t second) {
  std::uintptr_t on_stack[2] = {0, second};
  asm volatile("" : : "r"(on_stack) : "memory");
  call_with_other(code, walk, on_stack);
  after_call();
}

TEST(StackWalkerCompiled, WhatIsNoFrameEndsTheWalk) {
  const Code code(kWithOther);
  // Two words that no frame has: the second is in no code, in data, or before a call.
  static const std::uintptr_t data[4] = {1, 2, 3, 4};
  const auto inside = reinterpret_cast<std::uintptr_t>(code.memory);
  for (const std::uintptr_t second :
       {std::uintptr_t{0}, std::uintptr_t{1}, UINTPTR_MAX, std::uintptr_t{0x80} << 56,
        reinterpret_cast<std::uintptr_t>(data + 1), inside + 8}) {
    Walk walk;
    call_with_frame(code, walk, second);
    ASSERT_EQ(walk.depth, 2U) << second;
    EXPECT_TRUE(code.holds(walk.frames[1]));
  }
}

TEST(StackWalkerCompiled, FramesThatAreNotOnTheStackEndTheWalk) {
  const Code code(kWithOther);
  const std::uintptr_t behind_call = reinterpret_cast<std::uintptr_t>(code.memory) + 9;
  // What looks like a frame, but lies elsewhere.
  static std::uintptr_t elsewhere[2];
  elsewhere[1] = behind_call;
  const auto here = reinterpret_cast<std::uintptr_t>(&code);
  for (const std::uintptr_t frame :
       {reinterpret_cast<std::uintptr_t>(elsewhere), std::uintptr_t{0}, std::uintptr_t{1},
        UINTPTR_MAX - 7, here + 160'000'000, here - 160'000'000}) {
    Walk walk;
    call_with_other(code, walk, reinterpret_cast<const void*>(frame));
    ASSERT_EQ(walk.depth, 2U) << frame;
    EXPECT_TRUE(code.holds(walk.frames[1]));
  }
  // The same on the stack is a frame, which shows that the others are not for what is in them.
  Walk walk;
  call_with_frame(code, walk, behind_call);
  EXPECT_EQ(walk.depth, 3U);
}

#endif

}  // namespace
}  // namespace luna
