// SPDX-License-Identifier: MIT
// Every small size and a fine series of larger ones: 16-byte aligned, and what
// malloc_usable_size promises can be written to the last byte without touching a neighbour.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdlib>

namespace {

constexpr int kNeighbours = 5;

void one_size(std::size_t size) {
  void* row[kNeighbours];
  for (int i = 0; i < kNeighbours; ++i) {
    row[i] = malloc(size);
    EXPECT_FOR(size, row[i] != nullptr);
    EXPECT_FOR(size, blocks::aligned(row[i], 16));
    EXPECT_FOR(size, malloc_usable_size(row[i]) >= size);
    blocks::fill(row[i], malloc_usable_size(row[i]), static_cast<std::size_t>(i));
  }

  for (int i = 0; i < kNeighbours; ++i) {
    const std::size_t usable = malloc_usable_size(row[i]);
    EXPECT_FOR(size, blocks::holds(row[i], usable, static_cast<std::size_t>(i)));
    free(row[i]);
  }
}

// Waste beyond a quarter would make the promise of few bytes an empty one.
void usable_size_is_near(std::size_t size) {
  void* const block = malloc(size);
  EXPECT_FOR(size, malloc_usable_size(block) <= size + size / 4 + 4096);
  free(block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (std::size_t size = 0; size <= 9000; ++size) one_size(size);
  for (std::size_t size = 9000; size <= 64 * blocks::kMiB; size += size / 19) one_size(size);
  for (std::size_t power = 16; power <= 32 * blocks::kMiB; power *= 2) {
    one_size(power - 1);
    one_size(power);
    one_size(power + 1);
    usable_size_is_near(power + 1);
  }
  return 0;
}
