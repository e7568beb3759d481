// SPDX-License-Identifier: MIT
// What happens around the end of a thread: destructors of thread-specific data and of C++
// thread_local objects allocate and free, in several rounds, and blocks outlive their thread.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kThreads = 300;

pthread_key_t first_key;
pthread_key_t last_key;
thread_local int rounds_left = 4;

// Called again for as long as it sets the key again, after other destructors have run.
void destroy_and_set_again(void* value) {
  handover::check_and_free(value);
  for (std::size_t size = 1; size < 200000; size *= 3) {
    handover::check_and_free(handover::make(size, 3));
  }
  if (--rounds_left > 0) pthread_setspecific(first_key, handover::make(100, 1));
}

void destroy(void* value) {
  handover::check_and_free(value);
  free(malloc(50));
}

struct Keeper {
  std::vector<void*> kept;
  std::string name = "long enough to have a block of its own";

  ~Keeper() {
    for (void* block : kept) handover::check_and_free(block);
    kept.assign(1000, nullptr);
    name += name;
  }
};

thread_local Keeper keeper;

void* work(void* of_main) {
  handover::check_and_free(of_main);
  pthread_setspecific(first_key, handover::make(1000, 1));
  pthread_setspecific(last_key, handover::make(40, 2));
  for (std::size_t size = 1; size < 300000; size *= 2)
    keeper.kept.push_back(handover::make(size, 4));
  return handover::make(500, 5);
}

void* only_sets_a_key(void*) {
  pthread_setspecific(first_key, handover::make(1000, 1));
  pthread_exit(handover::make(70000, 6));
}

void run(void* (*body)(void*)) {
  pthread_t thread;
  void* result = nullptr;
  EXPECT(pthread_create(&thread, nullptr, body, handover::make(300, 9)) == 0);
  EXPECT(pthread_join(thread, &result) == 0);
  handover::check_and_free(result);
}

// The process lives on after its first thread, and ends with the last one.
void first_thread_leaves() {
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    static void* of_first_thread = handover::make(100, 7);
    static const pthread_t first_thread = pthread_self();
    std::thread([] {
      EXPECT(pthread_join(first_thread, nullptr) == 0);
      handover::check_and_free(of_first_thread);
      for (int i = 0; i < 1000; ++i) handover::check_and_free(handover::make(100, 8));
      exit(42);
    }).detach();
    pthread_setspecific(first_key, handover::make(100, 1));
    pthread_exit(nullptr);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  EXPECT(pthread_key_create(&first_key, destroy_and_set_again) == 0);
  EXPECT(pthread_key_create(&last_key, destroy) == 0);
  for (int i = 0; i < kThreads; ++i) {
    run(work);
    run([](void* of_main) -> void* {
      handover::check_and_free(of_main);
      return only_sets_a_key(nullptr);
    });
  }
  first_thread_leaves();
  return 0;
}
