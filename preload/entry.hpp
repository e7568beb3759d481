// SPDX-License-Identifier: MIT
// The malloc family once, for both its names: malloc.cpp exports it as the C
// library's, twins.cpp as luna_*. errno is set here and nowhere else.
#pragma once

#include "base/align.hpp"
#include "preload/process.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace luna::entry {

[[nodiscard]] inline void* or_enomem(void* block) noexcept {
  if (block == nullptr) [[unlikely]]
    errno = ENOMEM;
  return block;
}

// Each a function of its own, so that the one before it needs no frame.
[[gnu::noinline]] inline void* malloc_slow(std::size_t bytes) noexcept {
  return or_enomem(process.allocate(bytes));
}

[[gnu::noinline]] inline void* malloc_medium(std::size_t bytes) noexcept {
  if (bytes > kMaxListedBytes) return malloc_slow(bytes);
  ThreadCache& cache = *thread_state.cache;
  FreeList& source = cache.source(bytes);
  if (void* block = ThreadCache::pop(source); block != nullptr) [[likely]]
    return block;
  if (void* block = cache.take_counted(source); block != nullptr) return block;
  return malloc_slow(bytes);
}

[[gnu::noinline]] inline void free_slow(void* pointer) noexcept { process.deallocate(pointer); }

[[nodiscard, gnu::always_inline]] inline void* malloc(std::size_t bytes) noexcept {
  if (bytes > ThreadCache::kMaxDirectBytes) [[unlikely]]
    return malloc_medium(bytes);
  ThreadCache& cache = *thread_state.cache;
  FreeList& source = cache.direct_source(bytes);
  if (void* block = ThreadCache::pop(source); block != nullptr) [[likely]]
    return block;
  if (void* block = cache.take_counted(source); block != nullptr) return block;
  return malloc_slow(bytes);
}

[[gnu::always_inline]] inline void free(void* pointer) noexcept {
  if (thread_state.cache->try_deallocate(pointer)) [[likely]]
    return;
  free_slow(pointer);
}

[[nodiscard]] void* calloc(std::size_t count, std::size_t bytes) noexcept;
[[nodiscard]] void* realloc(void* pointer, std::size_t bytes) noexcept;
[[nodiscard]] void* reallocarray(void* pointer, std::size_t count, std::size_t bytes) noexcept;
[[nodiscard]] void* memalign(std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] int posix_memalign(void** pointer, std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] void* pvalloc(std::size_t bytes) noexcept;

}  // namespace luna::entry
