// SPDX-License-Identifier: MIT
// Behind preload/entry.hpp; the hardened library has preload/hardened/entry.cpp instead.
#include "base/wipe.hpp"
#include "preload/entry.hpp"

#include <cstring>

namespace luna::entry {

namespace {

// Up to so many bytes four stores are as good as any; they may overlap.
constexpr std::size_t kFewBytes = 64;

using Vector = std::uint8_t __attribute__((vector_size(16), may_alias));

// Requires: `bytes` > 0, and the block has room for them rounded up to 16.
void clear(void* block, std::size_t bytes) noexcept {
  if (bytes > kFewBytes) {
    std::memset(block, 0, bytes);
    return;
  }
  auto* at = static_cast<std::byte*>(block);
  const std::size_t last = (bytes - 1) / 16 * 16;
  const std::size_t second = last < 16 ? last : 16;
  for (const std::size_t offset : {std::size_t{0}, second, last - second, last})
    *reinterpret_cast<Vector*>(at + offset) = Vector{};
}

}  // namespace

void* calloc(std::size_t count, std::size_t bytes) noexcept {
  std::size_t total;
  if (__builtin_mul_overflow(count, bytes, &total)) return or_enomem(nullptr);
  if (total > ThreadCache::kMaxDirectBytes) return or_enomem(process.allocate_zeroed(total));
  ThreadCache& cache = *thread_state.cache;
  FreeList& source = cache.direct_source(total);
  void* block = ThreadCache::pop(source);
  if (block == nullptr) [[unlikely]]
    block = ThreadCache::take_counted(source);
  if (block != nullptr) [[likely]] {
    if (total != 0) clear(block, total);
    return block;
  }
  return or_enomem(process.allocate_zeroed(total));
}

void* realloc(void* pointer, std::size_t bytes) noexcept {
  if (pointer == nullptr) return malloc(bytes);
  if (bytes == 0) {  // as glibc does, and has documented
    free(pointer);
    return nullptr;
  }
  if (process.allocator().fits(pointer, bytes)) return pointer;
  return or_enomem(process.reallocate(pointer, bytes));
}

// Size classes are so spaced that a size which is a multiple of the alignment has
// blocks that are; and what is not of a class is of whole pages.
void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment > kPageBytes || bytes > kMaxListedBytes || !process.enabled()) [[unlikely]]
    return process.allocate_aligned(alignment, bytes);
  const std::size_t rounded = bytes != 0 ? round_up(bytes, alignment) : alignment;
  if (void* block = thread_state.cache->try_allocate(rounded); block != nullptr) [[likely]]
    return block;
  return process.allocate_aligned(alignment, rounded);
}

void free_wiped(void* pointer) noexcept {
  if (const std::size_t bytes = usable_bytes(pointer); bytes != 0) wipe(pointer, bytes);
  free(pointer);
}

void* allocate_of_all(std::size_t bytes) noexcept {
  NamedHeap* entered = thread_state.entered;
  thread_state.entered = nullptr;
  void* block = process.allocate(bytes);
  thread_state.entered = entered;
  return block;
}

}  // namespace luna::entry
