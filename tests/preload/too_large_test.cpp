// SPDX-License-Identifier: MIT
// Sizes above PTRDIFF_MAX and products that overflow: NULL and ENOMEM, and a block that was to
// be resized is as it was. posix_memalign returns its error and leaves the pointer alone.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>

namespace {

constexpr std::size_t kTooLarge[] = {static_cast<std::size_t>(PTRDIFF_MAX),
                                     static_cast<std::size_t>(PTRDIFF_MAX) + 1,
                                     SIZE_MAX / 2 + SIZE_MAX / 4,
                                     SIZE_MAX - 8192,
                                     SIZE_MAX - 4096,
                                     SIZE_MAX - 64,
                                     SIZE_MAX - 15,
                                     SIZE_MAX - 1,
                                     SIZE_MAX};

void refused(const void* block) {
  EXPECT(block == nullptr);
  EXPECT(errno == ENOMEM);
  errno = 0;
}

void allocating_calls(std::size_t size) {
  errno = 0;
  refused(malloc(size));
  refused(calloc(1, size));
  refused(calloc(size, 1));
  refused(realloc(expect::opaque<void*>(nullptr), size));
  refused(reallocarray(expect::opaque<void*>(nullptr), 1, size));
  refused(memalign(16, size));
  refused(memalign(4096, size));
  refused(aligned_alloc(64, size));
  refused(valloc(size));
  refused(pvalloc(size));
}

void resizing_keeps_the_block(std::size_t size) {
  for (const std::size_t old_size : {16UL, 3000UL, 100000UL, 4000000UL}) {
    void* const block = malloc(old_size);
    EXPECT(block != nullptr);
    blocks::fill(block, old_size, 1);
    errno = 0;
    refused(realloc(block, size));
    refused(reallocarray(block, 1, size));
    refused(reallocarray(block, size, 16));
    EXPECT(blocks::holds(block, old_size, 1));
    free(block);
  }
}

void posix_memalign_keeps_the_pointer(std::size_t size) {
  char mark = 0;
  for (const std::size_t alignment : {8UL, 64UL, 65536UL}) {
    void* stored = &mark;
    EXPECT(posix_memalign(&stored, alignment, size) == ENOMEM);
    EXPECT(stored == &mark);
  }
}

void products_overflow() {
  const std::size_t half = expect::opaque<std::size_t>(1UL << 32);
  errno = 0;
  refused(calloc(half, half));
  refused(calloc(half, half + 1));
  refused(calloc(SIZE_MAX / 8 + 1, expect::opaque<std::size_t>(8)));
  refused(calloc(expect::opaque(SIZE_MAX), expect::opaque(SIZE_MAX)));
  refused(reallocarray(expect::opaque<void*>(nullptr), half, half));
  refused(reallocarray(expect::opaque<void*>(nullptr), half, half + 1));
  refused(reallocarray(expect::opaque<void*>(nullptr), SIZE_MAX / 8 + 2,
                       expect::opaque<std::size_t>(8)));
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (const std::size_t size : kTooLarge) {
    const std::size_t hidden = expect::opaque(size);
    allocating_calls(hidden);
    resizing_keeps_the_block(hidden);
    posix_memalign_keeps_the_pointer(hidden);
  }
  products_overflow();
  return 0;
}
