// SPDX-License-Identifier: MIT
// Blocks that only another thread knows: on its stack, in its variables, in a register.
#include "support/planted.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace luna {
namespace {

using test::Disguise;
using test::Planted;

std::atomic<int> stage;

void wait_for(int wanted) {
  while (stage != wanted) std::this_thread::yield();
}

[[gnu::noinline]] void keep_on_stack(Disguise block) {
  void* volatile pointer = block.words();
  stage = 1;
  wait_for(2);
  pointer = nullptr;  // what was its stack may stay mapped
  asm volatile("" : : "m"(pointer));
}

thread_local void* volatile of_thread;

[[gnu::noinline]] void keep_in_variable(Disguise block) {
  of_thread = block.words();
  stage = 1;
  wait_for(2);
  of_thread = nullptr;  // what was its variable may stay mapped
}

// Spins with the pointer in a register that functions called would have to save, and
// nowhere else.
[[gnu::noinline]] void keep_in_register(Disguise block) {
#if defined(__x86_64__)
  std::uintptr_t hidden = ~block.address();
  asm volatile(
      "notq %0\n\t"
      "movl $1, %1\n"
      "1: pause\n\t"
      "cmpl $2, %1\n\t"
      "jne 1b\n\t"
      "notq %0"
      : "+r"(hidden), "+m"(stage)
      :
      : "memory", "cc");
#else
  keep_on_stack(block);
#endif
}

int pipe_ends[2];

// The same in a system call.
[[gnu::noinline]] void keep_while_asleep(Disguise block) {
#if defined(__x86_64__)
  register std::uintptr_t hidden asm("r14") = ~block.address();
  char byte = 0;
  long number = SYS_read;
  asm volatile(
      "notq %0\n\t"
      "movl $1, %2\n\t"
      "syscall\n\t"
      "notq %0"
      : "+r"(hidden), "+a"(number), "+m"(stage)
      : "D"(pipe_ends[0]), "S"(&byte), "d"(1)
      : "memory", "cc", "rcx", "r11");
  EXPECT_EQ(number, 1);
#else
  keep_on_stack(block);
#endif
}

void expect_kept(void (*keep)(Disguise)) {
  Planted& fixture = test::planted();
  const Disguise block = fixture.plant(64);
  const Disguise leaked = fixture.plant(64);
  stage = 0;
  std::thread other(keep, block);
  wait_for(1);
  EXPECT_EQ(fixture.verdict(block), "reachable");
  EXPECT_EQ(fixture.verdict(leaked), "definite");
  stage = 2;
  EXPECT_TRUE(keep != keep_while_asleep || ::write(pipe_ends[1], "", 1) == 1);
  other.join();
  EXPECT_EQ(fixture.verdict(block), "definite");
}

TEST(ReachabilityThreads, AStackIsARoot) { expect_kept(keep_on_stack); }

TEST(ReachabilityThreads, AThreadsVariableIsARoot) { expect_kept(keep_in_variable); }

TEST(ReachabilityThreads, ARegisterOfAThreadThatRunsIsARoot) { expect_kept(keep_in_register); }

TEST(ReachabilityThreads, ARegisterOfAThreadThatSleepsIsARoot) {
  ASSERT_EQ(::pipe(pipe_ends), 0);
  expect_kept(keep_while_asleep);
}

// As a coroutine that waits: below the stack pointer of a thread that has the rest of the
// mapping for its stack, with a page without access below both.
TEST(ReachabilityThreads, AStackBelowAnotherIsARoot) {
  constexpr std::size_t kHalf = std::size_t{1} << 20;
  Planted& fixture = test::planted();
  const Disguise block = fixture.plant(64);
  auto* const guard = static_cast<std::byte*>(
      ::mmap(nullptr, 4096 + 2 * kHalf, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::byte* const below = guard + 4096;
  ASSERT_EQ(::mprotect(below, 2 * kHalf, PROT_READ | PROT_WRITE), 0);
  auto* const word = reinterpret_cast<void* volatile*>(below + kHalf / 2);
  *word = block.words();
  stage = 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, below + kHalf, kHalf), 0);
  pthread_t thread;
  const auto wait = [](void*) -> void* {
    stage = 1;
    wait_for(2);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, wait, nullptr), 0);
  wait_for(1);

  EXPECT_EQ(fixture.verdict(block), "reachable");
  *word = nullptr;
  EXPECT_EQ(fixture.verdict(block), "definite");

  stage = 2;
  EXPECT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(::munmap(guard, 4096 + 2 * kHalf), 0);
}

// What is not seen is not sure.
TEST(ReachabilityThreads, WithoutTheRegistersALeakIsPossible) {
  Planted& fixture = test::planted();
  const Disguise block = fixture.plant(64);
  const ProofOptions options = {1, 60'000, 0};
  EXPECT_EQ(fixture.verdict(block, options), "definite");
  stage = 0;
  std::thread other([] { wait_for(2); });
  EXPECT_EQ(fixture.verdict(block, options), "possible");
  stage = 2;
  other.join();
}

}  // namespace
}  // namespace luna
