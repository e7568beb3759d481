// SPDX-License-Identifier: MIT
// Threads that freed everything and now idle keep at most 256 KiB each after malloc_trim(0), and
// next to nothing once they have allocated again.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <malloc.h>
#include <pthread.h>

#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kThreads = 32;
constexpr std::size_t kPerThread = 256 * blocks::kKiB;
constexpr std::size_t kOfProcess = 2 * blocks::kMiB;

pthread_barrier_t step;

void use_and_free_all(std::uint64_t seed) {
  blocks::Random random(seed);
  void* kept[3000];
  for (void*& block : kept) {
    const std::size_t size = random.size();
    block = malloc(size);
    std::memset(block, 1, size);
  }
  for (void* block : kept) free(block);
}

void allocate_a_little() {
  for (std::size_t size = 16; size < 2 * blocks::kMiB; size *= 2) {
    void* row[40];
    for (void*& block : row) block = malloc(size);
    for (void* block : row) free(block);
  }
}

// The frames of the work come to lie here, so that they do not count as kept.
[[gnu::noinline]] void touch_stack() {
  char touched[64 * blocks::kKiB];
  std::memset(expect::opaque(&touched[0]), 1, sizeof touched);
}

void* body(void* seed) {
  touch_stack();
  pthread_barrier_wait(&step);  // measured: only the stacks
  pthread_barrier_wait(&step);
  use_and_free_all(reinterpret_cast<std::uint64_t>(seed));
  pthread_barrier_wait(&step);  // measured: what idle threads keep
  pthread_barrier_wait(&step);
  allocate_a_little();
  pthread_barrier_wait(&step);  // measured: what is left
  pthread_barrier_wait(&step);
  return nullptr;
}

std::size_t kept_over(std::size_t before) {
  malloc_trim(0);
  const std::size_t now = measure::resident_bytes();
  return now > before ? now - before : 0;
}

}  // namespace

int main() {
  expect::on_lunalloc();
  EXPECT(pthread_barrier_init(&step, nullptr, kThreads + 1) == 0);
  pthread_t threads[kThreads];
  for (std::size_t i = 0; i < kThreads; ++i) {
    EXPECT(pthread_create(&threads[i], nullptr, body, reinterpret_cast<void*>(i)) == 0);
  }

  pthread_barrier_wait(&step);
  const std::size_t before = measure::resident_bytes();
  pthread_barrier_wait(&step);
  pthread_barrier_wait(&step);
  const std::size_t idle = kept_over(before);
  pthread_barrier_wait(&step);
  pthread_barrier_wait(&step);
  const std::size_t active = kept_over(before);
  expect::print(STDOUT_FILENO, "%zu bytes for each idle thread, %zu after it allocated again\n",
                idle / kThreads, active / kThreads);
  EXPECT(idle < kThreads * kPerThread + kOfProcess);
  EXPECT(active < kThreads * kPerThread + kOfProcess);
  pthread_barrier_wait(&step);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  return 0;
}
