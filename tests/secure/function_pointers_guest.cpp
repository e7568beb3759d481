// SPDX-License-Identifier: MIT
// Has the library keep every pointer to a function that it ever keeps, tells those that are not its
// own, and waits to be looked at.
#include "find_function.hpp"
#include "guest.hpp"

#include <lunalloc/heap.h>
#include <lunalloc/pressure.h>
#include <lunalloc/profile.h>
#include <pthread.h>
#include <signal.h>

#include <cstdint>
#include <cstdlib>

namespace {

int samples_seen = 0;

std::size_t no_frames(luna_frame*, std::size_t, int*, void*) {
  ++samples_seen;
  return 0;
}

void hear_of_pressure(const luna_pressure_event*, void*) {}

void handle_fault(int, siginfo_t*, void*) { abort(); }

void* allocate(void* bytes) {
  free(expect::opaque(malloc(reinterpret_cast<std::size_t>(bytes))));
  return nullptr;
}

// One word after the other, since none of them may lie in memory that is looked at.
template <typename Function>
void tell(const char* name, Function* function) {
  expect::print(STDOUT_FILENO, "%s %lx\n", name, reinterpret_cast<unsigned long>(function));
}

void run_thread() {
  pthread_t thread;
  EXPECT(pthread_create(&thread, nullptr, allocate, reinterpret_cast<void*>(1000)) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
}

void use_block_of_libc(void* libc) {
  auto* const allocate_there = reinterpret_cast<decltype(&malloc)>(dlsym(libc, "malloc"));
  void* block = realloc(allocate_there(100), 200);
  EXPECT(block != nullptr);
  free(block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  void* const libc = dlopen("libc.so.6", RTLD_NOW);
  EXPECT(libc != nullptr);

  struct sigaction action {};
  action.sa_sigaction = handle_fault;
  action.sa_flags = SA_SIGINFO;
  EXPECT(sigaction(SIGSEGV, &action, nullptr) == 0);

  luna_subscription subscription;
  EXPECT(find<decltype(luna_pressure_subscribe)>("luna_pressure_subscribe")(
             LUNA_PRESSURE_LOW, 0, hear_of_pressure, nullptr, &subscription) == 0);
  EXPECT(find<decltype(luna_profile_label)>("luna_profile_label")("part", "main") == 0);
  EXPECT(find<decltype(luna_profile_frames)>("luna_profile_frames")(no_frames, nullptr) == 0);
  EXPECT(find<decltype(luna_profile_start)>("luna_profile_start")(1) == 0);
  for (std::size_t bytes = 1; bytes < 100000; bytes *= 2) free(guest::filled(bytes));
  EXPECT(samples_seen != 0);

  run_thread();
  use_block_of_libc(libc);
  EXPECT(dlclose(dlopen("libm.so.6", RTLD_NOW)) == 0);

  tell("no_frames", &no_frames);
  tell("hear_of_pressure", &hear_of_pressure);
  tell("handle_fault", &handle_fault);
  tell("allocate", &allocate);
  for (const char* name : {"malloc", "calloc", "memalign", "realloc", "free", "malloc_usable_size",
                           "pthread_create", "thrd_create", "dlopen", "dlclose"})
    expect::print(STDOUT_FILENO, "%s %lx\n", name,
                  reinterpret_cast<unsigned long>(dlsym(libc, name)));
  guest::tell_and_wait("ready");
  return 0;
}
