// SPDX-License-Identifier: MIT
// Each call for aligned memory, alignments up to two pages times sizes that are multiples of
// nothing: aligned, apart from each other, writable to the end. For larger ones of memalign see
// alignment_table_test.cpp.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdlib>

namespace {

using AlignedCall = void* (*)(std::size_t, std::size_t);

constexpr std::size_t kMostAlignment = 8192;
constexpr std::size_t kMostBytes = 9000;
constexpr std::size_t kStep = 37;
constexpr std::size_t kAlive = 6;

void* by_posix_memalign(std::size_t alignment, std::size_t size) {
  void* block = nullptr;
  EXPECT_FOR(alignment, posix_memalign(&block, alignment, size) == 0);
  return block;
}

void one_pair(AlignedCall call, std::size_t alignment, std::size_t size) {
  void* alive[kAlive];
  for (std::size_t i = 0; i < kAlive; ++i) {
    alive[i] = call(alignment, size);
    EXPECT_FOR(alignment, alive[i] != nullptr && blocks::aligned(alive[i], alignment));
    EXPECT_FOR(size, malloc_usable_size(alive[i]) >= size);
    blocks::fill(alive[i], malloc_usable_size(alive[i]), i);
  }
  for (std::size_t i = 0; i < kAlive; ++i) {
    EXPECT_FOR(size, blocks::holds(alive[i], malloc_usable_size(alive[i]), i));
    for (std::size_t k = 0; k < i; ++k) EXPECT_FOR(size, alive[i] != alive[k]);
  }
  for (void* block : alive) free(block);
}

void all_pairs(AlignedCall call) {
  for (std::size_t alignment = 16; alignment <= kMostAlignment; alignment *= 2)
    for (std::size_t size = 0; size <= kMostBytes; size += kStep) one_pair(call, alignment, size);
}

// The first blocks of a size may come from a larger size class, whose blocks need not be
// aligned alike: those asked for by alignment must not.
void first_of_each_size() {
  for (std::size_t size = 2048; size != 0; size -= 64) {
    void* larger = malloc(size + 1);
    void* block = by_posix_memalign(64, size);
    EXPECT_FOR(size, blocks::aligned(block, 64));
    free(block);
    free(larger);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  first_of_each_size();
  all_pairs(memalign);
  all_pairs(aligned_alloc);
  all_pairs(by_posix_memalign);
  return 0;
}
