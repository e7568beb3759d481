// SPDX-License-Identifier: MIT
// Blocks of 1 MiB to 2 GiB that the program hardly touches: growing and shrinking them costs no
// memory, whether they stay or move, and their contents go with them.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <malloc.h>

#include <cstdlib>

namespace {

constexpr std::size_t kAllowed = 40 * blocks::kMiB;

// One mark in each MiB, and one in the last byte.
void mark(char* block, std::size_t size, char value) {
  for (std::size_t at = 0; at < size; at += blocks::kMiB) block[at] = value;
  block[size - 1] = value;
}

bool marked(const char* block, std::size_t size, char value) {
  for (std::size_t at = 0; at < size; at += blocks::kMiB) {
    if (block[at] != value) return false;
  }
  return true;
}

char* resized(char* block, std::size_t from, std::size_t to) {
  auto* const moved = static_cast<char*>(realloc(block, to));
  EXPECT_FOR(to, moved != nullptr);
  EXPECT_FOR(to, malloc_usable_size(moved) >= to);
  EXPECT_FOR(to, marked(moved, from < to ? from : to, 'm'));
  mark(moved, to, 'm');
  return moved;
}

// The block after it, if there is one, makes room run out and forces a move.
void up_and_down(bool with_neighbours) {
  std::size_t size = 1 * blocks::kMiB;
  auto* block = static_cast<char*>(malloc(size));
  mark(block, size, 'm');
  void* neighbours[16] = {};
  for (std::size_t step = 1; step <= 11; ++step) {
    if (with_neighbours) neighbours[step] = malloc(2 * blocks::kMiB);
    block = resized(block, size, blocks::kMiB << step);
    size = blocks::kMiB << step;
  }
  while (size > blocks::kMiB) {
    block = resized(block, size, size - size / 3);
    size -= size / 3;
  }
  free(block);
  for (void* neighbour : neighbours) free(neighbour);
}

void small_steps() {
  std::size_t size = 1 * blocks::kMiB;
  auto* block = static_cast<char*>(malloc(size));
  mark(block, size, 'm');
  for (; size < 64 * blocks::kMiB; size += 64 * blocks::kKiB + 1) {
    block = resized(block, size, size + 64 * blocks::kKiB + 1);
  }
  free(block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  const std::size_t before = measure::resident_bytes();
  up_and_down(false);
  up_and_down(true);
  EXPECT(measure::resident_bytes() < before + kAllowed);
  small_steps();

  // Untouched memory of calloc is as cheap as that of malloc.
  auto* const zeroed = static_cast<char*>(calloc(1, 2 * blocks::kGiB));
  EXPECT(zeroed != nullptr);
  EXPECT(zeroed[0] == 0 && zeroed[blocks::kGiB] == 0 && zeroed[2 * blocks::kGiB - 1] == 0);
  EXPECT(measure::resident_bytes() < before + kAllowed);
  free(zeroed);
  return 0;
}
