// SPDX-License-Identifier: MIT
// Alignments that are no powers of two, too small or too large: memalign and aligned_alloc round
// up as glibc does, posix_memalign refuses with EINVAL and touches nothing.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>

namespace {

using AlignedCall = void* (*)(std::size_t, std::size_t);

void rounds_up(AlignedCall call) {
  for (const std::size_t alignment : {0UL, 1UL, 2UL, 3UL, 5UL, 8UL, 15UL, 16UL, 17UL, 24UL, 33UL,
                                      48UL, 100UL, 1000UL, 4095UL, 4097UL, 70000UL, 3000000UL}) {
    for (const std::size_t size : {1UL, 17UL, 100UL, 5000UL, 50000UL, 2500000UL}) {
      void* const block = call(expect::opaque(alignment), size);
      EXPECT_FOR(alignment, block != nullptr);
      EXPECT_FOR(alignment, blocks::aligned(block, std::bit_ceil(std::max(alignment, 16UL))));
      EXPECT_FOR(alignment, malloc_usable_size(block) >= size);
      blocks::fill(block, malloc_usable_size(block), size);
      free(block);
    }
  }
}

void refuses_absurd_alignment(AlignedCall call) {
  for (const std::size_t alignment : {SIZE_MAX / 2 + 2, SIZE_MAX - 4096, SIZE_MAX}) {
    errno = 0;
    EXPECT(call(expect::opaque(alignment), 16) == nullptr);
    EXPECT(errno == EINVAL);
  }
  errno = 0;
  EXPECT(call(expect::opaque(SIZE_MAX / 2 + 1), 16) == nullptr);
  EXPECT(errno == ENOMEM);
}

void posix_memalign_is_strict() {
  char mark = 0;
  for (const std::size_t alignment : {0UL, 1UL, 2UL, 4UL, 7UL, 9UL, 12UL, 24UL, 48UL, 4097UL}) {
    void* stored = &mark;
    errno = 77;
    EXPECT_FOR(alignment, posix_memalign(&stored, expect::opaque(alignment), 100) == EINVAL);
    EXPECT(errno == 77);
    EXPECT(stored == &mark);
  }
  for (std::size_t alignment = 8; alignment <= 16 * blocks::kMiB; alignment *= 2) {
    void* stored = nullptr;
    errno = 77;
    EXPECT_FOR(alignment, posix_memalign(&stored, alignment, 100) == 0);
    EXPECT(errno == 77);
    EXPECT_FOR(alignment, blocks::aligned(stored, alignment));
    free(stored);
  }
}

void page_calls() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (const std::size_t size : {1UL, 100UL, 4096UL, 4097UL, 70000UL, 1048576UL, 1048577UL}) {
    void* const block = valloc(size);
    void* const whole_pages = pvalloc(size);
    EXPECT_FOR(size, blocks::aligned(block, page) && blocks::aligned(whole_pages, page));
    EXPECT_FOR(size, malloc_usable_size(whole_pages) >= (size + page - 1) / page * page);
    free(block);
    free(whole_pages);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  rounds_up(memalign);
  rounds_up(aligned_alloc);
  refuses_absurd_alignment(memalign);
  refuses_absurd_alignment(aligned_alloc);
  posix_memalign_is_strict();
  page_calls();
  return 0;
}
