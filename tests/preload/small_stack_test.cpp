// SPDX-License-Identifier: MIT
// Allocation on little stack: threads of the smallest size, coroutines on 16 and 8 KiB, and a
// signal handler on an alternate stack. A guard page below each stack catches what goes too deep.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>

namespace {

constexpr std::size_t kGuardBytes = 64 * blocks::kKiB;

// All ranges of sizes, so that every slow path is met, and realloc, calloc and memalign.
void use_every_path() {
  for (std::size_t size = 1; size <= 3 * blocks::kMiB; size = size * 3 + 1) {
    void* row[10];
    for (void*& block : row) block = malloc(size);
    for (void*& block : row) block = realloc(block, size + size / 2);
    for (void* block : row) free(block);
    free(calloc(1, size));
    free(memalign(1024, size));
  }
  malloc_trim(0);
}

// The top of `bytes` of stack with a guard below.
char* new_stack(std::size_t bytes) {
  void* const memory = mmap(nullptr, kGuardBytes + bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  EXPECT(mprotect(memory, kGuardBytes, PROT_NONE) == 0);
  return static_cast<char*>(memory) + kGuardBytes;
}

void* thread_body(void* of_main) {
  use_every_path();
  free(of_main);
  return malloc(100);
}

void in_smallest_threads() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  const long smallest = sysconf(_SC_THREAD_STACK_MIN);
  EXPECT(smallest >= 16384);
  EXPECT(pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(smallest)) == 0);
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    void* of_thread = nullptr;
    EXPECT(pthread_create(&thread, &attributes, thread_body, malloc(200)) == 0);
    EXPECT(pthread_join(thread, &of_thread) == 0);
    free(of_thread);
  }
}

ucontext_t main_context;
ucontext_t coroutine_context;
void* handed_over;

// Two turns: blocks of the first are freed by main, blocks of main by the second.
void coroutine_body() {
  use_every_path();
  handed_over = handover::make(1000, 1);
  swapcontext(&coroutine_context, &main_context);
  handover::check_and_free(handed_over);
  use_every_path();
}

void in_a_coroutine(std::size_t stack_bytes) {
  char* const stack = new_stack(stack_bytes);
  EXPECT(getcontext(&coroutine_context) == 0);
  coroutine_context.uc_stack.ss_sp = stack;
  coroutine_context.uc_stack.ss_size = stack_bytes;
  coroutine_context.uc_link = &main_context;
  makecontext(&coroutine_context, coroutine_body, 0);
  EXPECT(swapcontext(&main_context, &coroutine_context) == 0);
  handover::check_and_free(handed_over);
  handed_over = handover::make(2000, 2);
  EXPECT(swapcontext(&main_context, &coroutine_context) == 0);
  munmap(stack - kGuardBytes, kGuardBytes + stack_bytes);
}

void* coroutine_in_new_thread(void*) {
  in_a_coroutine(16 * blocks::kKiB);
  return nullptr;
}

void in_a_signal_handler() {
  const std::size_t bytes = 16 * blocks::kKiB;
  stack_t stack = {};
  stack.ss_sp = new_stack(bytes);
  stack.ss_size = bytes;
  EXPECT(sigaltstack(&stack, nullptr) == 0);
  struct sigaction action = {};
  action.sa_handler = [](int) { use_every_path(); };
  action.sa_flags = SA_ONSTACK;
  EXPECT(sigaction(SIGUSR1, &action, nullptr) == 0);
  for (int i = 0; i < 5; ++i) EXPECT(raise(SIGUSR1) == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  use_every_path();  // also binds the functions, so that the linker's stack is not counted
  in_smallest_threads();
  for (int i = 0; i < 10; ++i) in_a_coroutine(16 * blocks::kKiB);
  in_a_coroutine(8 * blocks::kKiB);
  pthread_t thread;
  EXPECT(pthread_create(&thread, nullptr, coroutine_in_new_thread, nullptr) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
  in_a_signal_handler();
  return 0;
}
