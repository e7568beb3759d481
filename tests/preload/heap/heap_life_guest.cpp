// SPDX-License-Identifier: MIT
// Heaps of the program's own among many threads, their end, and forks; one part a run.
//
// Usage: heap_life_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "measure.hpp"
#include "parts.hpp"

#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace heap;

// What stays when many threads allocate and free in many heaps, each for others too.
void many_threads() {
  constexpr std::size_t kHeaps = 64;
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kLimit = 3 * kMiB;
  const char* wanted = getenv("LUNA_HEAP_SECONDS");
  const int seconds = wanted != nullptr ? atoi(wanted) : 2;
  std::vector<luna_heap*> heaps;
  for (std::size_t i = 0; i < kHeaps; ++i)
    heaps.push_back(made("busy", kLimit, i % 4 == 0 ? LUNA_HEAP_EXACT : 0));
  std::atomic<void*> shelf[1024] = {};
  std::atomic<bool> ends{false};
  std::atomic<std::size_t> operations{0};
  const auto work = [&](std::size_t seed) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    std::size_t count = 0;
    while (!ends.load(std::memory_order_relaxed)) {
      luna_heap* own = heaps[random() % kHeaps];
      const std::size_t size = random() % 16 == 0 ? random() % 100000 : random() % 800;
      void* block = heap_malloc(own, size);
      if (block != nullptr) memset(block, static_cast<int>(seed), size);
      if (block != nullptr && random() % 8 == 0) {
        void* resized = realloc(block, random() % 2000 + 1);
        if (resized != nullptr) block = resized;
      }
      if (block != nullptr) EXPECT(heap_of(block) == own);
      free(shelf[random() % std::size(shelf)].exchange(block));
      if (++count % 1000 == 0) EXPECT(stats(own).used_bytes <= kLimit);
    }
    operations += count;
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i + 1);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  ends = true;
  for (std::thread& thread : threads) thread.join();
  for (auto& place : shelf) free(place.exchange(nullptr));
  for (std::size_t i = 0; i < kHeaps; ++i) {
    heap_trim(heaps[i]);
    const luna_heap_stats at_end = stats(heaps[i]);
    EXPECT_FOR(i, at_end.live_blocks == 0 && at_end.live_bytes == 0);
    EXPECT_FOR(i, at_end.used_bytes == 0 && at_end.peak_bytes <= kLimit);
    EXPECT(heap_destroy(heaps[i]) == 0);
  }
  printf("%zu operations\n", operations.load());
}

void destroy() {
  const char* wanted = getenv("LUNA_HEAP_BLOCKS");
  const std::size_t count = wanted != nullptr ? strtoull(wanted, nullptr, 10) : 500'000;
  const std::size_t before = measure::resident_bytes();
  luna_heap* own = made("large");
  for (std::size_t i = 0; i < count; ++i) *static_cast<std::size_t*>(heap_malloc(own, 64)) = i;
  static_cast<void>(heap_malloc(own, 5 * kMiB));
  EXPECT(stats(own).live_blocks == count + 1);
  const auto start = std::chrono::steady_clock::now();
  EXPECT(heap_destroy(own) == 0);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  printf("%zu blocks in %.1f ms\n", count, took.count());
  EXPECT(measure::resident_bytes() < before + 2 * kMiB + count * 64 / 50);
  luna_heap* next = made("next");
  EXPECT(stats(next).live_blocks == 0 && stats(next).resident_bytes == 0);
}

// Others hold caches of the heap, and free into it while it goes, and a little later.
void destroy_busy() {
  for (int round = 0; round < 30; ++round) {
    luna_heap* own = made("shared");
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        std::vector<void*> blocks = fill(own, 64, 5000);
        for (std::size_t k = 0; k < 200; ++k) blocks.push_back(heap_malloc(own, 20000));
        ++ready;
        for (void* block : blocks) free(block);
        void* of_all = malloc(64);
        EXPECT(of_all != nullptr && heap_of(of_all) == nullptr);
        free(of_all);
      });
    }
    while (ready < 4) std::this_thread::yield();
    EXPECT((round % 2 == 0 ? heap_destroy(own) : heap_reset(own)) == 0);
    for (std::thread& thread : threads) thread.join();
    if (round % 2 == 0) continue;
    EXPECT(stats(own).live_blocks == 0);
    free(heap_malloc(own, 64));
    EXPECT(heap_destroy(own) == 0);
  }
}

void fork_within() {
  luna_heap* own = made("inherited", 50 * kMiB);
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!ends) free_all(fill(own, 200, 100));
    });
  void* held = heap_malloc(own, 100);
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      free(held);
      free_all(fill(own, 200, 2000));
      luna_heap* fresh = made("fresh");
      free_all(fill(fresh, 200, 2000));
      if (heap_destroy(own) != 0 || heap_destroy(fresh) != 0) _exit(1);
      _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
}

constexpr Part kParts[] = {
    {"many_threads", many_threads},
    {"destroy", destroy},
    {"destroy_busy", destroy_busy},
    {"fork", fork_within},
};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  if (!run_part(kParts, arguments[1])) return 2;
  puts("done");
  return 0;
}
