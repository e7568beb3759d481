// SPDX-License-Identifier: MIT
// Ends of a process whose threads allocate, each in a way of its own.
//
// Usage: end_guest WAY
#include "churn.hpp"
#include "parts.hpp"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace {

constexpr std::size_t kThreads = 4;
constexpr int kCode = 17;

// Never ended: the process is, while they run.
[[nodiscard]] churn::Threads& endless_threads() {
  static auto* const threads = new churn::Threads(kThreads);
  return *threads;
}

void leave_by_exit() {
  static_cast<void>(endless_threads());
  atexit([] { free(malloc(5000)); });
  exit(kCode);
}

void leave_by_exit_in_thread() {
  static_cast<void>(endless_threads());
  std::thread([] { exit(kCode); }).join();
}

void leave_by_quick_exit() {
  static_cast<void>(endless_threads());
  at_quick_exit([] { free(malloc(5000)); });
  quick_exit(kCode);
}

void abort_in_thread() {
  static_cast<void>(endless_threads());
  std::thread([] { abort(); }).join();
}

// The process ends by itself, with 0, when the last thread has ended.
void leave_main_first() {
  static pthread_t first = pthread_self();
  static churn::Threads* const threads = new churn::Threads(kThreads);
  std::thread([] {
    EXPECT(pthread_join(first, nullptr) == 0);
    threads->slots().clear();
    delete threads;
  }).detach();
  pthread_exit(nullptr);
}

// By a handler, as pthread_cancel wants it of code that is ended while it allocates.
struct Held {
  void* block;
};

void* allocate_until_cancelled(void*) {
  Held held{handover::make(100, 1)};
  pthread_cleanup_push(
      [](void* held_by) { handover::check_and_free(static_cast<Held*>(held_by)->block); }, &held);
  blocks::Random random(reinterpret_cast<std::uintptr_t>(&held));
  for (;;) {
    handover::check_and_free(held.block);
    held.block = handover::make(random.size() % 300'000, 2);
    pthread_testcancel();
  }
  pthread_cleanup_pop(0);
  return nullptr;
}

// Asynchronous only where it does not allocate, as POSIX has it.
void* compute_until_cancelled(void*) {
  volatile unsigned work = 0;
  for (;;) {
    free(malloc(1 + work % 50'000));
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
    for (unsigned i = 0; i < 10'000; ++i) work = work + i;
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, nullptr);
  }
}

void cancel(void* (*body)(void*)) {
  churn::Threads& others = endless_threads();
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, body, nullptr) == 0);
    usleep(static_cast<useconds_t>(i) * 50);
    EXPECT(pthread_cancel(thread) == 0);
    void* result = nullptr;
    EXPECT(pthread_join(thread, &result) == 0);
    EXPECT(result == PTHREAD_CANCELED);
  }
  others.slots().clear();
  exit(kCode);
}

void cancel_deferred() { cancel(allocate_until_cancelled); }
void cancel_at_once() { cancel(compute_until_cancelled); }

constexpr Part kParts[] = {
    {"exit", leave_by_exit},
    {"exit_in_thread", leave_by_exit_in_thread},
    {"quick_exit", leave_by_quick_exit},
    {"abort", abort_in_thread},
    {"main_first", leave_main_first},
    {"cancel_deferred", cancel_deferred},
    {"cancel_at_once", cancel_at_once},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }
