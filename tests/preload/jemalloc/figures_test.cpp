// SPDX-License-Identifier: MIT
// stats.* of mallctl: what a known heap makes of them, and when they change.
#include "jemalloc_api.hpp"

#include <sys/wait.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace {

using jemalloc::get;
using jemalloc::refresh;

constexpr std::size_t kMiB = 1 << 20;
constexpr std::size_t kSmallBlocks = 64 * 1024;  // of 1 KiB
constexpr std::size_t kLargeBlocks = 32;         // of 1 MiB

struct Heap {
  std::size_t allocated = get<std::size_t>("stats.allocated");
  std::size_t active = get<std::size_t>("stats.active");
  std::size_t resident = get<std::size_t>("stats.resident");
  std::size_t mapped = get<std::size_t>("stats.mapped");
  std::size_t metadata = get<std::size_t>("stats.metadata");
  std::size_t retained = get<std::size_t>("stats.retained");
  std::size_t small = get<std::size_t>("stats.arenas.0.small.allocated");
  std::size_t large = get<std::size_t>("stats.arenas.4096.large.allocated");
};

[[nodiscard]] Heap look() {
  refresh();
  return {};
}

void expect_fits_together(const Heap& heap) {
  EXPECT(heap.allocated == heap.small + heap.large);
  EXPECT(heap.active >= heap.allocated && heap.active % 4096 == 0);
  EXPECT(heap.resident >= heap.active && heap.resident % 4096 == 0);
  EXPECT(heap.mapped >= heap.active && heap.metadata > 0 && heap.metadata % 4096 == 0);
  EXPECT(get<std::size_t>("stats.arenas.0.pactive") == heap.active / 4096);
  EXPECT(get<std::size_t>("stats.arenas.0.mapped") == heap.mapped);
  EXPECT(get<std::size_t>("stats.arenas.0.resident") == heap.resident);
}

// Within a tenth of it.
[[nodiscard]] bool is_about(std::size_t value, std::size_t expected) {
  return value > expected - expected / 10 && value < expected + expected / 10;
}

void expect_a_known_heap() {
  const Heap before = look();
  expect_fits_together(before);
  std::vector<void*> small(kSmallBlocks);
  std::vector<void*> large(kLargeBlocks);
  for (void*& block : small) std::memset(block = malloc(1024), 1, 1024);
  for (void*& block : large) std::memset(block = malloc(kMiB), 1, kMiB);
  EXPECT(get<std::size_t>("stats.allocated") == before.allocated);
  const Heap full = look();
  expect_fits_together(full);
  EXPECT(is_about(full.small - before.small, 64 * kMiB));
  EXPECT(is_about(full.large - before.large, 32 * kMiB));
  EXPECT(is_about(full.active - before.active, 96 * kMiB));
  EXPECT(is_about(full.resident - before.resident, 96 * kMiB));
  for (void* block : small) free(block);
  for (void* block : large) free(block);
  EXPECT(mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0) == 0);
  const Heap after = look();
  expect_fits_together(after);
  EXPECT(after.allocated < before.allocated + 8 * kMiB);
  EXPECT(after.resident < before.resident + 8 * kMiB);
  EXPECT(after.retained > 80 * kMiB);
  EXPECT(get<std::uint64_t>("stats.arenas.0.dirty_nmadvise") > 0);
  EXPECT(get<std::uint64_t>("stats.arenas.0.dirty_purged") > 80 * kMiB / 4096);
}

void expect_caches_are_flushed() {
  std::array<void*, 200> blocks;
  for (void*& block : blocks) block = malloc(200);
  for (void* block : blocks) free(block);
  refresh();
  const auto before = get<std::size_t>("stats.arenas.0.tcache_bytes");
  EXPECT(before > 0);
  EXPECT(mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0) == 0);
  refresh();
  EXPECT(get<std::size_t>("stats.arenas.0.tcache_bytes") < before);
}

void expect_threads_and_forks() {
  std::atomic<bool> ends{false};
  std::array<std::thread, 3> threads;
  for (std::thread& thread : threads) {
    thread = std::thread([&ends] {
      std::uint64_t next = 1;
      while (!ends.load()) {
        EXPECT(mallctl("epoch", nullptr, nullptr, &next, sizeof next) == 0);
        free(malloc(get<std::size_t>("stats.active") % 10000));
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      refresh();
      _exit(get<std::size_t>("stats.allocated") != 0 ? 7 : 1);
    }
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
  }
  refresh();
  EXPECT(get<unsigned>("stats.arenas.0.nthreads") >= 4);
  ends = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  expect::on_lunalloc();
  expect_a_known_heap();
  expect_caches_are_flushed();
  expect_threads_and_forks();
  return 0;
}
