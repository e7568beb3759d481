// SPDX-License-Identifier: MIT
// Sizes of zero as glibc treats them: a unique block from the allocating calls, and a free from
// realloc(block, 0), which returns NULL.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>

namespace {

const std::size_t kZero = expect::opaque<std::size_t>(0);

void empty_blocks_are_unique() {
  std::array<void*, 1000> empty;
  for (void*& block : empty) {
    block = malloc(kZero);
    EXPECT(block != nullptr);
    EXPECT(blocks::aligned(block, 16));
  }

  std::sort(empty.begin(), empty.end());
  EXPECT(std::adjacent_find(empty.begin(), empty.end()) == empty.end());
  for (void* block : empty) free(block);
}

void every_call_gives_a_block() {
  void* stored = nullptr;
  EXPECT(posix_memalign(&stored, 64, kZero) == 0);
  void* const given[] = {stored,
                         calloc(kZero, 8),
                         calloc(8, kZero),
                         realloc(expect::opaque<void*>(nullptr), kZero),
                         reallocarray(expect::opaque<void*>(nullptr), kZero, 8),
                         memalign(64, kZero),
                         aligned_alloc(64, kZero),
                         valloc(kZero),
                         pvalloc(kZero)};

  for (void* const& block : given) EXPECT_FOR(&block - given, block != nullptr);
  for (void* block : given) free(block);
}

// If realloc(block, 0) kept the block, this would need 100,000 times the size.
void realloc_to_zero_frees(std::size_t size) {
  const std::size_t before = measure::resident_bytes();
  for (int i = 0; i < 100000; ++i) {
    auto* const block = static_cast<char*>(malloc(size));
    EXPECT(block != nullptr);
    block[0] = 1;
    errno = 4321;
    EXPECT(realloc(block, kZero) == nullptr);
    EXPECT(errno == 4321);
  }
  EXPECT_FOR(size, measure::resident_bytes() < before + 16 * blocks::kMiB);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  empty_blocks_are_unique();
  every_call_gives_a_block();
  for (const std::size_t size : {16UL, 1000UL, 10000UL, 100000UL, 2000000UL})
    realloc_to_zero_frees(size);
  EXPECT(reallocarray(malloc(100), kZero, 8) == nullptr);
  EXPECT(reallocarray(malloc(100), 8, kZero) == nullptr);

  free(expect::opaque<void*>(nullptr));
  EXPECT(malloc_usable_size(expect::opaque<void*>(nullptr)) == 0);
  return 0;
}
