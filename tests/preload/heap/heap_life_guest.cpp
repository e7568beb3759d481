// SPDX-License-Identifier: MIT
// Heaps of the program's own among many threads, their end, and forks; one part a run.
//
// Usage: heap_life_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "measure.hpp"
#include "parts.hpp"

#include <lunalloc/profile.h>
#include <sys/resource.h>
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

// Two threads hold caches of the heap, and free into it while it ends.
void destroy_large(std::uint64_t flags, std::size_t count) {
  luna_heap* own = made("large", 0, flags);
  for (std::size_t i = 0; i < count; ++i) *static_cast<std::size_t*>(heap_malloc(own, 64)) = i;
  static_cast<void>(heap_malloc(own, 5 * kMiB));
  EXPECT(stats(own).live_blocks == count + 1);
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      std::vector<void*> blocks = fill(own, 64, count / 100);
      free_all(fill(own, 200, 1000));
      ++ready;
      while (!go) std::this_thread::yield();
      free_all(blocks);
    });
  while (ready < 2) std::this_thread::yield();
  go = true;
  const auto start = std::chrono::steady_clock::now();
  EXPECT(heap_destroy(own) == 0);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  printf("%zu blocks%s in %.1f ms\n", count, flags != 0 ? " in huge pages" : "", took.count());
  for (std::thread& thread : threads) thread.join();
}

void destroy() {
  const char* wanted = getenv("LUNA_HEAP_BLOCKS");
  const std::size_t count = wanted != nullptr ? strtoull(wanted, nullptr, 10) : 500'000;
  for (const std::uint64_t flags : {0U, LUNA_HEAP_HUGE_PAGES}) {
    const std::size_t before = measure::resident_bytes();
    destroy_large(flags, count);
    EXPECT_FOR(flags, measure::resident_bytes() < before + 2 * kMiB + count * 64 / 50);
    luna_heap* next = made("next");
    EXPECT(stats(next).live_blocks == 0 && stats(next).resident_bytes == 0);
  }
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

// Heaps that nobody uses just now, and threads that know of none.
void fork_beside() {
  for (int i = 0; i < 8; ++i) free(heap_malloc(made("idle"), 100));
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<std::uint32_t>(i));
      std::vector<void*> blocks(200);
      while (!ends) {
        void*& block = blocks[random() % blocks.size()];
        free(block);
        block = malloc(random() % 16 == 0 ? random() % 200000 : random() % 2000);
      }
      free_all(blocks);
    });
  for (int i = 0; i < 300; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      free(malloc(1000));
      _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
}

// Every block is a sample: heaps end, sampling is switched, and children are made, all while
// others free samples.
void sampled() {
  static auto* const start = find<decltype(luna_profile_start)>("luna_profile_start");
  luna_heap* shared = made("shared");
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      while (!ends) free_all(fill(shared, 100, 20));
    });
  threads.emplace_back([&] {
    while (!ends) EXPECT(start(1) == 0);
  });
  for (int i = 0; i < 200; ++i) {
    luna_heap* own = made("short");
    const std::vector<void*> blocks = fill(own, 100, 100);
    EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
    for (std::size_t k = 0; k < 50; ++k) free(blocks[k]);
    EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
    EXPECT(heap_reset(own) == 0 && heap_destroy(own) == 0);
    if (i % 10 != 0) continue;
    const pid_t child = fork();
    if (child == 0) _exit(0);
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
}

// Addresses come back, however many heaps come and go, and within a limit on them.
void addresses() {
  constexpr std::size_t kLimit = std::size_t{8} << 30;
  const rlimit limit = {kLimit, kLimit};
  EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
  for (int i = 0; i < 3000; ++i) {
    luna_heap* own = made("short");
    EXPECT_FOR(i, heap_malloc(own, i % 100 == 0 ? 100 * kMiB : 100) != nullptr);
    EXPECT(heap_destroy(own) == 0);
  }
  void* large = malloc(300 * kMiB);
  EXPECT(large != nullptr);
  free(large);
}

constexpr Part kParts[] = {
    {"many_threads", many_threads}, {"destroy", destroy},         {"destroy_busy", destroy_busy},
    {"fork", fork_within},          {"fork_beside", fork_beside}, {"sampled", sampled},
    {"addresses", addresses},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }
