// SPDX-License-Identifier: MIT
// A thousand threads alive at once, each with a few small blocks: what a thread costs is small,
// and all of it can be used again when they are gone.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"
#include "measure.hpp"

#include <pthread.h>

#include <cstdlib>
#include <vector>

namespace {

constexpr std::size_t kThreads = 1000;
constexpr std::size_t kPerThread = 64 * blocks::kKiB;

pthread_barrier_t all_wait;

void* few_blocks(void*) {
  void* const small = handover::make(20, 1);
  void* const medium = handover::make(500, 2);
  pthread_barrier_wait(&all_wait);
  pthread_barrier_wait(&all_wait);
  handover::check_and_free(small);
  handover::check_and_free(medium);
  return nullptr;
}

}  // namespace

int main() {
  expect::on_lunalloc();
  EXPECT(pthread_barrier_init(&all_wait, nullptr, kThreads + 1) == 0);
  pthread_attr_t small_stack;
  pthread_attr_init(&small_stack);
  pthread_attr_setstacksize(&small_stack, 64 * blocks::kKiB);

  for (int round = 0; round < 3; ++round) {
    const std::size_t before = measure::resident_bytes();
    std::vector<pthread_t> threads(kThreads);
    for (pthread_t& thread : threads) {
      if (pthread_create(&thread, &small_stack, few_blocks, nullptr) != 0) {
        expect::skip("a thousand threads are not allowed here");
      }
    }
    pthread_barrier_wait(&all_wait);
    const std::size_t grown = measure::resident_bytes() - before;
    expect::print(STDOUT_FILENO, "%zu bytes resident for each thread\n", grown / kThreads);
    EXPECT(grown < kThreads * kPerThread);
    pthread_barrier_wait(&all_wait);
    for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  }
  return 0;
}
