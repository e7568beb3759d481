// SPDX-License-Identifier: MIT
// What does a block of a pool cost beside one of malloc, alone and with a second thread at the same
// pool, and what does it cost to hand one over by a queue? Times are of this machine; for malloc
// alone see ../micro.
#include <lunalloc/pool.h>
#include <lunalloc/queue.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBytes = 64;
constexpr std::size_t kBatch = 1000;
constexpr int kRows = 9;

[[nodiscard]] void* keep(void* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "error: %s\n", what);
  std::exit(1);
}

// The median, in nanoseconds for each operation.
template <typename Work>
[[nodiscard]] double time_of(std::size_t operations, Work work) {
  std::array<double, kRows> times;
  for (double& time : times) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> elapsed =
        std::chrono::steady_clock::now() - start;
    time = elapsed.count() / static_cast<double>(operations);
  }
  std::nth_element(times.begin(), times.begin() + kRows / 2, times.end());
  return times[kRows / 2];
}

struct Malloc {
  [[nodiscard]] static void* allocate() { return std::malloc(kBytes); }
  static void deallocate(void* block) { std::free(block); }
};

struct OfPool {
  [[nodiscard]] void* allocate() const { return luna_pool_allocate(pool); }
  void deallocate(void* block) const { luna_pool_free(pool, block); }

  luna_pool* pool;
};

template <typename Source>
void pairs(const Source& source, std::size_t rounds) {
  for (std::size_t i = 0; i < rounds; ++i) source.deallocate(keep(source.allocate()));
}

// So many blocks at once, freed in their order.
template <typename Source>
void batches(const Source& source, std::size_t rounds) {
  std::vector<void*> blocks(kBatch);
  for (std::size_t i = 0; i < rounds / kBatch; ++i) {
    for (void*& block : blocks) block = keep(source.allocate());
    for (void* block : blocks) source.deallocate(block);
  }
}

template <typename Source>
void tell(const char* name, const Source& source, std::size_t rounds) {
  pairs(source, rounds / 10);
  const double alone = time_of(rounds, [&] { pairs(source, rounds); });
  const double many = time_of(rounds, [&] { batches(source, rounds); });
  const double together = time_of(rounds, [&] {
    std::thread other([&] { pairs(source, rounds); });
    pairs(source, rounds);
    other.join();
  });
  std::printf("%-28s %6.1f a pair, %6.1f in batches of %zu, %6.1f with two threads\n", name, alone,
              many, kBatch, together);
}

[[nodiscard]] luna_pool* make_pool(const char* name, std::size_t blocks, bool auto_expand,
                                   bool reclaim) {
  luna_pool_options options = {};
  options.struct_size = sizeof options;
  options.max_blocks = blocks;
  options.auto_expand = auto_expand;
  options.reclaim_on_free = reclaim;
  luna_pool* pool = nullptr;
  if (luna_pool_create(name, kBytes, &options, &pool) != 0) fail(name);
  return pool;
}

void tell_of_pool(const char* name, luna_pool* pool, std::size_t rounds) {
  tell(name, OfPool{pool}, rounds);
  if (luna_pool_destroy(pool) != 0) fail(name);
}

// A pool of a million blocks of which so many are in use, here and there.
void tell_of_full_pool(std::size_t rounds) {
  constexpr std::size_t kBlocks = 1'000'000;
  luna_pool* pool = make_pool("full", kBlocks, true, false);
  std::vector<void*> blocks(kBlocks);
  for (void*& block : blocks) block = luna_pool_allocate(pool);
  for (std::size_t i = 0; i < kBlocks; i += kBlocks / kBatch) luna_pool_free(pool, blocks[i]);
  tell_of_pool("pool, 99.9 % in use", pool, rounds);
}

void tell_of_queue(std::size_t rounds) {
  luna_queue* queue = nullptr;
  if (luna_queue_create(1024, &queue) != 0) fail("queue");
  int block = 0;
  const double time = time_of(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      if (luna_queue_try_push(queue, &block, i) != 0) fail("full");
      if (keep(luna_queue_try_pop(queue, nullptr)) == nullptr) fail("empty");
    }
  });
  const double between = time_of(rounds, [&] {
    std::thread other([&] {
      for (std::size_t i = 0; i < rounds;)
        if (luna_queue_try_pop(queue, nullptr) != nullptr) ++i;
    });
    for (std::size_t i = 0; i < rounds;)
      if (luna_queue_try_push(queue, &block, i) == 0) ++i;
    other.join();
  });
  std::printf("%-28s %6.1f a push and a pop, %6.1f from thread to thread\n", "queue", time,
              between);
  if (luna_queue_destroy(queue) != 0) fail("queue");
}

}  // namespace

int main(int count, char** arguments) {
  const bool smoke = count > 1 && std::strcmp(arguments[1], "--smoke") == 0;
  const std::size_t rounds = smoke ? kBatch : 2'000'000;
  std::printf("ns for %zu bytes\n", kBytes);
  tell("malloc and free", Malloc{}, rounds);
  tell_of_pool("pool, all at the start", make_pool("fixed", 10'000, false, false), rounds);
  tell_of_pool("pool, that expands", make_pool("expanding", 10'000, true, false), rounds);
  tell_of_pool("pool, that reclaims", make_pool("reclaiming", 10'000, true, true), rounds);
  tell_of_full_pool(rounds);
  tell_of_queue(rounds);
  return 0;
}
