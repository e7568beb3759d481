// SPDX-License-Identifier: MIT
// Blocks of every range of sizes freed by a thread that did not allocate them: in both
// directions, around a ring of threads, and by many threads at once.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kThreads = 4;

// One thread makes, the other frees, then the parts are exchanged.
void there_and_back(std::size_t size, int count) {
  std::vector<void*> made(static_cast<std::size_t>(count));
  std::thread([&] {
    for (void*& block : made) block = handover::make(size, made.size());
  }).join();
  for (void* block : made) handover::check_and_free(block);

  for (void*& block : made) block = handover::make(size, made.size());
  std::thread([&] {
    for (void* block : made) handover::check_and_free(block);
  }).join();
}

// Every thread makes blocks for the next one, resizes some that it gets, and frees them.
void around_a_ring(int rounds) {
  static handover::Queue queues[kThreads];
  std::vector<std::thread> threads;
  for (std::size_t self = 0; self < kThreads; ++self) {
    threads.emplace_back([self, rounds] {
      blocks::Random random(self + 1);
      for (int round = 0; round < rounds; ++round) {
        queues[(self + 1) % kThreads].put(handover::make(random.size(), random.below(255)));
        void* block = queues[self].take();
        handover::check(block);
        if (round % 16 == 0) block = realloc(block, malloc_usable_size(block) * 2);
        handover::check_and_free(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A pool of slots that all threads exchange at random: most frees are of foreign blocks.
void from_a_shared_pool(int rounds) {
  static std::atomic<void*> pool[997];
  std::vector<std::thread> threads;
  for (std::size_t self = 0; self < kThreads; ++self) {
    threads.emplace_back([self, rounds] {
      blocks::Random random(self + 100);
      for (int round = 0; round < rounds; ++round) {
        void* const mine = handover::make(random.size(), random.below(255));
        void* const other = pool[random.below(997)].exchange(mine);
        if (other != nullptr) handover::check_and_free(other);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<void*>& slot : pool) {
    if (void* const left = slot.exchange(nullptr)) handover::check_and_free(left);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (std::size_t size = 1; size <= 64 * blocks::kMiB; size = size * 2 + 1) {
    there_and_back(size, size < 100000 ? 1000 : 5);
  }
  around_a_ring(20000);
  from_a_shared_pool(100000);
  return 0;
}
