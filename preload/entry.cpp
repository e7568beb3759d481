// SPDX-License-Identifier: MIT
// What is the same in all libraries.
#include "preload/entry.hpp"

#include "os/memory.hpp"

namespace luna::entry {

void* reallocarray(void* pointer, std::size_t count, std::size_t bytes) noexcept {
  std::size_t total;
  if (__builtin_mul_overflow(count, bytes, &total)) return or_enomem(nullptr);
  return realloc(pointer, total);
}

// An alignment that is no power of two is rounded up to one, as in glibc.
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment > SIZE_MAX / 2 + 1) {
    errno = EINVAL;
    return nullptr;
  }
  std::size_t rounded = kMinBlockBytes;
  while (rounded < alignment) rounded *= 2;
  return or_enomem(allocate_aligned(rounded, bytes));
}

int posix_memalign(void** pointer, std::size_t alignment, std::size_t bytes) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  if (alignment < kMinBlockBytes) alignment = kMinBlockBytes;
  void* block = allocate_aligned(alignment, bytes);
  if (block == nullptr) return ENOMEM;
  *pointer = block;
  return 0;
}

void* pvalloc(std::size_t bytes) noexcept {
  const std::size_t page = os::page_bytes();
  if (bytes > PTRDIFF_MAX - page) return or_enomem(nullptr);
  return memalign(page, bytes == 0 ? page : round_up(bytes, page));
}

}  // namespace luna::entry
