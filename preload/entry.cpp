// SPDX-License-Identifier: MIT
#include "preload/entry.hpp"

#include "os/memory.hpp"

namespace luna::entry {

void* calloc(std::size_t count, std::size_t bytes) noexcept {
  std::size_t total;
  if (__builtin_mul_overflow(count, bytes, &total)) return or_enomem(nullptr);
  return or_enomem(process.allocate_zeroed(total));
}

void* realloc(void* pointer, std::size_t bytes) noexcept {
  if (pointer == nullptr) return malloc(bytes);
  if (bytes == 0) {  // as glibc does, and has documented
    free(pointer);
    return nullptr;
  }
  return or_enomem(process.reallocate(pointer, bytes));
}

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
  if (rounded == kMinBlockBytes) return malloc(bytes);
  return or_enomem(process.allocate_aligned(rounded, bytes));
}

int posix_memalign(void** pointer, std::size_t alignment, std::size_t bytes) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  if (alignment < kMinBlockBytes) alignment = kMinBlockBytes;
  void* block = process.allocate_aligned(alignment, bytes);
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
