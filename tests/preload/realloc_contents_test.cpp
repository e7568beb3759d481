// SPDX-License-Identifier: MIT
// realloc keeps the contents from every size to every other, across all boundaries between the
// ranges, in chains of growth and shrinkage, and in a long random walk over many live blocks.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace {

constexpr std::size_t kSizes[] = {
    1,       15,      16,      17,      24,      32,      63,      64,     65,     127,    128,
    129,     255,     256,     257,     500,     1023,    1024,    1025,   2048,   2049,   4095,
    4096,    4097,    8191,    8192,    8193,    12289,   16384,   16385,  24577,  32768,  32769,
    49153,   65536,   65537,   98305,   131072,  131073,  262144,  262145, 524288, 524289, 1048575,
    1048576, 1048577, 2097151, 2097152, 2097153, 3145728, 4194305, 8388609};

void from_each_to_each() {
  for (const std::size_t from : kSizes) {
    for (const std::size_t to : kSizes) {
      void* const block = malloc(from);
      EXPECT_FOR(from, block != nullptr);
      blocks::fill(block, from, from);

      void* const moved = realloc(block, to);
      EXPECT_FOR(to, moved != nullptr);
      EXPECT_FOR(to, blocks::aligned(moved, 16));
      EXPECT_FOR(to, malloc_usable_size(moved) >= to);
      EXPECT_FOR(to, blocks::holds(moved, std::min(from, to), from));
      blocks::fill(moved, malloc_usable_size(moved), to);
      free(moved);
    }
  }
}

void up_and_down() {
  std::size_t size = 1;
  void* block = malloc(size);
  blocks::fill(block, size, 5);
  while (size < 128 * blocks::kMiB) {
    const std::size_t larger = size + size / 3 + 1;
    block = realloc(block, larger);
    EXPECT_FOR(larger, block != nullptr && blocks::holds(block, size, 5));
    blocks::fill(block, larger, 5);
    size = larger;
  }
  while (size > 1) {
    size = size * 2 / 3;
    block = realloc(block, size);
    EXPECT_FOR(size, block != nullptr && blocks::holds(block, size, 5));
  }
  free(block);
}

struct Walked {
  void* block = nullptr;
  std::size_t size = 0;
};

void random_walk() {
  blocks::Random random(11);
  std::array<Walked, 64> walked;
  for (int step = 0; step < 100000; ++step) {
    const std::size_t index = random.below(walked.size());
    Walked& slot = walked[index];
    EXPECT_FOR(step, blocks::holds(slot.block, std::min<std::size_t>(slot.size, 300), index));

    const std::size_t size = random.size();
    slot.block = realloc(slot.block, size);
    EXPECT_FOR(step, slot.block != nullptr);
    EXPECT_FOR(step, blocks::holds(slot.block, std::min(slot.size, size), index));
    if (size > slot.size) blocks::fill(slot.block, size, index);
    slot.size = size;
  }
  for (const Walked& slot : walked) free(slot.block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  from_each_to_each();
  up_and_down();
  random_walk();
  return 0;
}
