// SPDX-License-Identifier: MIT
// Walks through frames of every form that compilers make, compared with libgcc's unwinder.
// Signals, threads and broken stacks: stack_walker_threads_test.cpp.
#include "telemetry/stack_walker.hpp"

#include "support/stack_trace.hpp"

#include <alloca.h>
#include <gtest/gtest.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace luna {
namespace {

using test::after_call;
using test::recurse;
using test::Walks;

TEST(StackWalker, HasNoDepthUntilLoaded) {
  StackWalker walker;
  std::uintptr_t frame = 0;

  EXPECT_EQ(walker.walk(&frame, 1), 0U);
}

TEST(StackWalker, IsMadeAtCompileTime) {
  static constinit StackWalker walker;
  EXPECT_TRUE(walker.load());
  EXPECT_TRUE(walker.load());
}

TEST(StackWalker, EachCallAddsAFrame) {
  const auto walks = std::make_unique<Walks>();
  const std::size_t depth = recurse(*walks, 0);

  EXPECT_EQ(recurse(*walks, 1), depth + 1);
  EXPECT_EQ(recurse(*walks, 30), depth + 30);
  EXPECT_EQ(recurse(*walks, 250), depth + 250);
  EXPECT_FALSE(walks->wrong);
}

TEST(StackWalker, RulesLearntServeAgain) {
  const auto walks = std::make_unique<Walks>();
  const std::size_t depth = recurse(*walks, 10);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(recurse(*walks, 10), depth);

  walks->walker.forget();

  EXPECT_EQ(recurse(*walks, 10), depth);
}

[[gnu::noinline]] std::size_t walk_within(StackWalker& walker, int times, std::uintptr_t* frames,
                                          std::size_t depth) {
  const std::size_t walked =
      times == 0 ? walker.walk(frames, depth) : walk_within(walker, times - 1, frames, depth);
  after_call();
  return walked;
}

TEST(StackWalker, StopsAtTheDepthAskedFor) {
  const auto walks = std::make_unique<Walks>();
  for (const std::size_t depth : {0U, 1U, 2U, 20U}) {
    std::array<std::uintptr_t, 32> frames{};
    EXPECT_EQ(walk_within(walks->walker, 40, frames.data(), depth), depth);
    EXPECT_EQ(frames[depth], 0U);
  }
}

[[gnu::noinline]] std::size_t walk_skipping(StackWalker& walker, std::uintptr_t* frames,
                                            CodeRange skipped) {
  const std::size_t walked = walker.walk(frames, 8, skipped);
  after_call();
  return walked;
}

[[gnu::noinline]] std::size_t call_walk_skipping(StackWalker& walker, std::uintptr_t* frames,
                                                 CodeRange skipped) {
  const std::size_t walked = walk_skipping(walker, frames, skipped);
  after_call();
  return walked;
}

TEST(StackWalker, InnermostFramesOfARangeAreLeftOut) {
  const auto walks = std::make_unique<Walks>();
  std::array<std::uintptr_t, 8> all{};
  std::array<std::uintptr_t, 8> rest{};
  ASSERT_EQ(call_walk_skipping(walks->walker, all.data(), {}), 8U);

  ASSERT_EQ(call_walk_skipping(walks->walker, rest.data(), {all[0], all[0] + 1}), 8U);
  EXPECT_EQ(rest[0], all[1]);

  // All are in the range: none is left to say where.
  EXPECT_EQ(call_walk_skipping(walks->walker, rest.data(), {0, UINTPTR_MAX}), 0U);
}

// Each of these calls the next with a frame of another form.
[[gnu::noinline]] std::size_t with_alloca(Walks& walks, std::size_t bytes) {
  void* room = alloca(bytes);
  std::memset(room, 1, bytes);
  asm volatile("" : : "r"(room) : "memory");
  const std::size_t depth = recurse(walks, 2);
  after_call();
  return depth;
}

[[gnu::noinline]] std::size_t with_aligned_stack(Walks& walks, std::size_t bytes) {
  alignas(128) char room[256];
  asm volatile("" : : "r"(room) : "memory");
  const std::size_t depth = with_alloca(walks, bytes);
  after_call();
  return depth;
}

[[gnu::noinline]] std::size_t with_both(Walks& walks, std::size_t bytes) {
  alignas(64) char room[64];
  void* more = alloca(bytes);
  asm volatile("" : : "r"(room), "r"(more) : "memory");
  const std::size_t depth = with_aligned_stack(walks, bytes);
  after_call();
  return depth;
}

[[gnu::noinline]] std::size_t with_alloca_around(Walks& walks, std::size_t bytes) {
  void* room = alloca(bytes);
  asm volatile("" : : "r"(room) : "memory");
  const std::size_t depth = with_both(walks, bytes);
  after_call();
  return depth;
}

// In a release build; the others address theirs by one since they use alloca.
[[gnu::noinline]] std::size_t without_frame_pointer(Walks& walks, std::size_t bytes) {
  char room[1000];
  asm volatile("" : : "r"(room) : "memory");
  const std::size_t depth = with_alloca_around(walks, bytes);
  after_call();
  return depth;
}

[[gnu::noinline]] std::size_t with_large_frame(Walks& walks, std::size_t bytes) {
  char room[300'000];
  asm volatile("" : : "r"(room) : "memory");
  const std::size_t depth = without_frame_pointer(walks, bytes);
  after_call();
  return depth;
}

TEST(StackWalker, FramesOfAllForms) {
  const auto walks = std::make_unique<Walks>();
  for (int i = 0; i < 3; ++i) {
    for (const std::size_t bytes : {16U, 1000U, 100'000U}) {
      EXPECT_NE(with_large_frame(*walks, bytes), 0U) << bytes;
      EXPECT_NE(with_aligned_stack(*walks, bytes), 0U) << bytes;
    }
  }
}

#if defined(__x86_64__)
// CFA from rbx, as in the trampolines of the loader.
extern "C" std::size_t luna_test_call_by_rbx(std::size_t (*)(void*), void*);
asm(R"(
.text
.type luna_test_call_by_rbx, @function
luna_test_call_by_rbx:
  .cfi_startproc
  push %rbx
  .cfi_def_cfa_offset 16
  .cfi_offset rbx, -16
  mov %rsp, %rbx
  .cfi_def_cfa_register rbx
  and $-256, %rsp
  sub $512, %rsp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  mov %rbx, %rsp
  .cfi_def_cfa_register rsp
  pop %rbx
  .cfi_def_cfa_offset 8
  ret
  .cfi_endproc
)");

TEST(StackWalker, FrameAddressedByRbx) {
  const auto walks = std::make_unique<Walks>();
  const auto callback = [](void* pointer) { return recurse(*static_cast<Walks*>(pointer), 5); };
  for (int i = 0; i < 3; ++i) EXPECT_NE(luna_test_call_by_rbx(callback, walks.get()), 0U);
}
#endif

#if defined(__x86_64__)
// A function that ends with a call, and right behind it another with a frame of other size.
extern "C" void luna_test_end_with_call(void (*)(void*), void*);
asm(R"(
.text
.balign 16
.type luna_test_end_with_call, @function
luna_test_end_with_call:
  .cfi_startproc
  sub $72, %rsp
  .cfi_def_cfa_offset 80
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  .cfi_endproc
luna_test_behind_call:
  .cfi_startproc
  ret
  .cfi_endproc
)");

struct WalkAndLeave {
  std::unique_ptr<Walks> walks = std::make_unique<Walks>();
  std::jmp_buf way_back;
};

TEST(StackWalker, CallAtTheEndOfAFunctionBelongsToIt) {
  static WalkAndLeave test;
  const auto leave = [](void* /*unused*/) {
    static_cast<void>(recurse(*test.walks, 1));
    std::longjmp(test.way_back, 1);
  };

  if (setjmp(test.way_back) == 0) luna_test_end_with_call(leave, nullptr);

  EXPECT_GT(test.walks->depth, 5U);
  EXPECT_FALSE(test.walks->wrong);
}
#endif

Walks* compared_by = nullptr;

[[gnu::noinline]] int compare(const void* one, const void* other) {
  static_cast<void>(compared_by->here());
  return *static_cast<const int*>(one) - *static_cast<const int*>(other);
}

TEST(StackWalker, ThroughTheLibraryOfC) {
  const auto walks = std::make_unique<Walks>();
  compared_by = walks.get();
  int numbers[] = {5, 3, 9, 1, 7, 2, 8};

  std::qsort(numbers, std::size(numbers), sizeof numbers[0], compare);

  EXPECT_NE(walks->depth, 0U);
  EXPECT_FALSE(walks->wrong);
}

struct WalksWhenDestroyed {
  explicit WalksWhenDestroyed(Walks& of) : walks(of) {}
  ~WalksWhenDestroyed() { static_cast<void>(recurse(walks, 3)); }
  WalksWhenDestroyed(const WalksWhenDestroyed&) = delete;
  WalksWhenDestroyed& operator=(const WalksWhenDestroyed&) = delete;
  Walks& walks;
};

[[gnu::noinline]] void throw_within(Walks& walks, int times) {
  const WalksWhenDestroyed object(walks);
  if (times == 0) throw std::runtime_error("thrown by the test");
  throw_within(walks, times - 1);
}

TEST(StackWalker, WhileAnExceptionIsThrown) {
  const auto walks = std::make_unique<Walks>();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(throw_within(*walks, 5), std::runtime_error);
    EXPECT_NE(walks->depth, 0U);
    EXPECT_FALSE(walks->wrong);
  }
}

}  // namespace
}  // namespace luna
