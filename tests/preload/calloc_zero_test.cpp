// SPDX-License-Identifier: MIT
// calloc gives zeroes although the same memory was dirty a moment ago: in every range of sizes,
// after realloc, after a trim, and for memory that another thread dirtied and freed.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr std::size_t kSizes[] = {1,       8,       16,      24,      40,       100,     256,
                                  500,     1000,    1024,    1025,    2000,     4000,    4096,
                                  5000,    8192,    10000,   16384,   20000,    32768,   50000,
                                  65536,   100000,  200000,  400000,  800000,   1048576, 1048577,
                                  1500000, 2097152, 3000000, 5000000, 20000000, 70000000};
constexpr std::size_t kMostBlocks = 64;

std::size_t count_for(std::size_t size) {
  const std::size_t fitting = 32 * blocks::kMiB / size + 1;
  return fitting < kMostBlocks ? fitting : kMostBlocks;
}

void dirty(std::size_t size) {
  void* given[kMostBlocks];
  const std::size_t count = count_for(size);
  for (std::size_t i = 0; i < count; ++i) {
    given[i] = malloc(size);
    EXPECT_FOR(size, given[i] != nullptr);
    std::memset(given[i], 0xff, malloc_usable_size(given[i]));
  }
  for (std::size_t i = 0; i < count; ++i) free(given[i]);
}

void expect_zeroes(std::size_t size) {
  void* given[kMostBlocks];
  const std::size_t count = count_for(size);
  for (std::size_t i = 0; i < count; ++i) {
    given[i] = i % 2 == 0 ? calloc(1, size) : calloc(size, 1);
    EXPECT_FOR(size, given[i] != nullptr);
    EXPECT_FOR(size, blocks::all_zero(given[i], size));
    std::memset(given[i], 0xee, malloc_usable_size(given[i]));
  }
  for (std::size_t i = 0; i < count; ++i) free(given[i]);
}

// Leaves dirt in tails that were cut off and in places that were left behind.
void dirty_by_realloc(std::size_t size) {
  void* block = malloc(size * 2);
  std::memset(block, 0xdd, size * 2);
  block = realloc(block, size / 2 + 1);
  void* const between = calloc(1, size);
  EXPECT_FOR(size, blocks::all_zero(between, size));
  block = realloc(block, size * 3);
  std::memset(block, 0xdd, size * 3);
  free(between);
  free(block);
}

void dirty_by_aligned(std::size_t size) {
  void* const block = memalign(size < 4096 ? 256 : 16384, size);
  std::memset(block, 0xcc, malloc_usable_size(block));
  free(block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (const std::size_t size : kSizes) {
    expect_zeroes(size);
    for (int round = 0; round < 3; ++round) {
      dirty(size);
      expect_zeroes(size);
    }
    dirty_by_realloc(size);
    expect_zeroes(size);
    dirty_by_aligned(size);
    expect_zeroes(size);
    dirty(size);
    malloc_trim(0);
    expect_zeroes(size);
    std::thread(dirty, size).join();
    expect_zeroes(size);
  }

  blocks::Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const std::size_t size = random.size();
    void* const block = calloc(1, size);
    EXPECT_FOR(size, block != nullptr && blocks::all_zero(block, size));
    std::memset(block, 0xff, size);
    free(block);
  }
  return 0;
}
