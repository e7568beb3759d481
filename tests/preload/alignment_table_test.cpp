// SPDX-License-Identifier: MIT
// Many alignments times many sizes, several blocks of each alive at once: aligned, apart from
// each other, writable to the end, resizable and freeable.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdlib>
#include <initializer_list>

namespace {

constexpr std::size_t kSizes[] = {
    0,     1,     8,     15,    16,     17,     31,     33,     48,      63,     64,
    65,    100,   128,   129,   255,    257,    511,    513,    1000,    1024,   1025,
    2047,  2049,  4095,  4096,  4097,   8192,   8193,   12288,  16384,   16385,  30000,
    32769, 65536, 65537, 98304, 100000, 131073, 262145, 524289, 1048576, 1048577};
constexpr int kAlive = 3;

void one_pair(std::size_t alignment, std::size_t size) {
  char* alive[kAlive];
  for (int i = 0; i < kAlive; ++i) {
    alive[i] = static_cast<char*>(memalign(alignment, size));
    EXPECT_FOR(alignment, alive[i] != nullptr);
    EXPECT_FOR(alignment, blocks::aligned(alive[i], alignment));
    EXPECT_FOR(size, malloc_usable_size(alive[i]) >= size);
    blocks::fill(alive[i], malloc_usable_size(alive[i]), static_cast<std::size_t>(i));
  }

  for (int i = 0; i < kAlive; ++i) {
    const std::size_t usable = malloc_usable_size(alive[i]);
    EXPECT_FOR(size, blocks::holds(alive[i], usable, static_cast<std::size_t>(i)));
  }

  auto* const grown = static_cast<char*>(realloc(alive[0], size * 2 + 1));
  EXPECT_FOR(size, grown != nullptr && blocks::holds(grown, size, 0));
  auto* const shrunk = static_cast<char*>(realloc(alive[1], size / 2 + 1));
  EXPECT_FOR(size, shrunk != nullptr && blocks::holds(shrunk, size / 2, 1));
  free(grown);
  free(shrunk);
  free(alive[2]);
}

// The smallest and largest blocks at alignments beyond any class.
void great_alignments() {
  for (std::size_t alignment = 8 * blocks::kMiB; alignment <= 4 * blocks::kGiB; alignment *= 2) {
    for (const std::size_t size : {1UL, 5000UL, 2000000UL}) {
      void* const block = aligned_alloc(alignment, size);
      if (block == nullptr) {
        EXPECT(errno == ENOMEM && alignment >= blocks::kGiB);
        continue;
      }
      EXPECT_FOR(alignment, blocks::aligned(block, alignment));
      blocks::fill(block, malloc_usable_size(block) < size * 2 ? malloc_usable_size(block) : size,
                   size);
      free(block);
    }
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (std::size_t alignment = 8; alignment <= 4 * blocks::kMiB; alignment *= 2) {
    for (const std::size_t size : kSizes) one_pair(alignment, size);
  }
  great_alignments();
  return 0;
}
