// SPDX-License-Identifier: MIT
// pthread_atfork handlers that allocate, registered before the program's first malloc and after
// it, so that some run while the library's own have already run and some before.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

namespace {

constexpr int kForks = 100;

int prepared = 0;
int in_parent = 0;
int in_child = 0;
void* carried = nullptr;

void allocate_some() {
  void* kept[20];
  for (std::size_t i = 0; i < 20; ++i) kept[i] = handover::make(1UL << i, i);
  for (void* block : kept) handover::check_and_free(block);
}

void prepare() {
  ++prepared;
  allocate_some();
  free(carried);
  carried = handover::make(3000, 1);
}

void after_in_parent() {
  ++in_parent;
  allocate_some();
  handover::check(carried);
}

void after_in_child() {
  ++in_child;
  allocate_some();
  handover::check_and_free(carried);
  carried = handover::make(20, 1);
}

void register_handlers() { EXPECT(pthread_atfork(prepare, after_in_parent, after_in_child) == 0); }

[[gnu::section(".preinit_array"), gnu::used]] void (*const earliest)() = register_handlers;
[[gnu::constructor]] void early() { register_handlers(); }

void fork_and_wait() {
  alarm(60);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    alarm(20);
    allocate_some();
    std::thread(allocate_some).join();
    EXPECT(in_child >= 3);
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  allocate_some();
  register_handlers();

  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) allocate_some();
  });
  for (int i = 0; i < kForks; ++i) fork_and_wait();
  std::thread([] {
    for (int i = 0; i < kForks; ++i) fork_and_wait();
  }).join();
  stop = true;
  other.join();

  EXPECT(prepared == 3 * 2 * kForks && in_parent == prepared);
  return 0;
}
