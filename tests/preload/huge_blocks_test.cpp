// SPDX-License-Identifier: MIT
// Requests of gigabytes that stay untouched: served or refused with ENOMEM, never harmful. Blocks
// do not overlap, and lie high enough to leave the low addresses to programs that need them.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>

namespace {

constexpr std::uintptr_t kLowAddresses = 32 * blocks::kGiB;

void touch_both_ends(char* block, std::size_t size, char value) {
  block[0] = value;
  block[size - 1] = value;
}

void two_of(std::size_t size) {
  errno = 0;
  auto* const one = static_cast<char*>(malloc(size));
  EXPECT_FOR(size, one != nullptr || errno == ENOMEM);
  errno = 0;
  auto* const other = static_cast<char*>(malloc(size));
  EXPECT_FOR(size, other != nullptr || errno == ENOMEM);

  if (one != nullptr && other != nullptr) {
    EXPECT_FOR(size, one + size <= other || other + size <= one);
    EXPECT_FOR(size, blocks::aligned(one, 16) && malloc_usable_size(one) >= size);
    touch_both_ends(one, size, 'a');
    touch_both_ends(other, size, 'b');
    EXPECT(one[0] == 'a' && one[size - 1] == 'a' && other[0] == 'b');
  }
  free(one);
  free(other);
}

void all_lie_high() {
  void* given[32];
  for (std::size_t i = 0; i < 32; ++i) {
    given[i] = malloc(1UL << i);
    EXPECT_FOR(i, given[i] != nullptr);
    EXPECT_FOR(i, reinterpret_cast<std::uintptr_t>(given[i]) > kLowAddresses);
  }
  for (void* block : given) free(block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  const std::size_t before = measure::resident_bytes();
  for (std::size_t size = 512 * blocks::kMiB; size <= 64 * blocks::kGiB; size *= 2) {
    two_of(size);
    two_of(size + 1);
    two_of(size - 1);
  }
  for (const std::size_t shift : {38UL, 40UL, 44UL, 46UL, 47UL, 48UL, 56UL, 62UL})
    two_of(1UL << shift);
  all_lie_high();

  for (int i = 0; i < 1000; ++i) {
    void* const block = malloc(2 * blocks::kGiB + 4096 * static_cast<std::size_t>(i));
    EXPECT_FOR(i, block != nullptr);
    static_cast<char*>(block)[blocks::kGiB] = 1;
    free(block);
  }
  EXPECT(measure::resident_bytes() < before + 16 * blocks::kMiB);
  return 0;
}
