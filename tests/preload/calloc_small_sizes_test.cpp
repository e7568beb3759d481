// SPDX-License-Identifier: MIT
// calloc of every small size gives zeroes to its last byte, out of blocks that were dirty when
// they were freed a moment ago.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kMostBytes = 1100;
constexpr std::size_t kAlive = 8;

void dirty(std::size_t size) {
  void* given[kAlive];
  for (void*& block : given) {
    block = malloc(size);
    EXPECT_FOR(size, block != nullptr);
    std::memset(block, 0xff, malloc_usable_size(block));
  }
  for (void* block : given) free(block);
}

void expect_zeroes(std::size_t size, std::size_t count) {
  void* given[kAlive];
  for (void*& block : given) {
    block = calloc(count, size);
    EXPECT_FOR(size, block != nullptr && malloc_usable_size(block) >= size * count);
    EXPECT_FOR(size, blocks::all_zero(block, size * count));
    blocks::fill(block, size * count, size);
  }
  for (void* block : given) EXPECT_FOR(size, blocks::holds(block, size * count, size));
  for (void* block : given) free(block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (std::size_t size = 0; size <= kMostBytes; ++size) {
    dirty(size);
    expect_zeroes(size, 1);
    dirty(3 * size);
    expect_zeroes(size, 3);
  }
  return 0;
}
