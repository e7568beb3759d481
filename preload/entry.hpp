// SPDX-License-Identifier: MIT
// The malloc family once, for both its names: malloc.cpp exports it as the C
// library's, twins.cpp as luna_*. errno is set here and nowhere else. The hardened library has a
// header of this name in front of this one: preload/hardened/preload/entry.hpp.
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
  if (void* block = ThreadCache::take_counted(source); block != nullptr) return block;
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
  if (void* block = ThreadCache::take_counted(source); block != nullptr) return block;
  return malloc_slow(bytes);
}

[[gnu::always_inline]] inline void free(void* pointer) noexcept {
  if (thread_state.cache->try_deallocate(pointer)) [[likely]]
    return;
  free_slow(pointer);
}

[[gnu::noinline]] inline void free_sized_slow(void* pointer, std::size_t bytes) noexcept {
  process.deallocate_sized(pointer, bytes);
}

// The size is looked at behind the fast path alone.
[[gnu::always_inline]] inline void free_sized(void* pointer, std::size_t bytes) noexcept {
  if (thread_state.cache->try_deallocate(pointer)) [[likely]]
    return;
  free_sized_slow(pointer, bytes);
}
[[gnu::always_inline]] inline void delete_sized(void* pointer, std::size_t bytes) noexcept {
  free_sized(pointer, bytes);
}
[[gnu::always_inline]] inline void delete_sized(void* pointer, std::size_t bytes,
                                                std::size_t) noexcept {
  free_sized(pointer, bytes);
}

// The same as malloc, but with what operator new does behind the fast path.
template <void* (*slow)(std::size_t)>
[[nodiscard, gnu::always_inline]] inline void* allocate_or(std::size_t bytes) {
  if (bytes > ThreadCache::kMaxDirectBytes) [[unlikely]]
    return slow(bytes);
  ThreadCache& cache = *thread_state.cache;
  FreeList& source = cache.direct_source(bytes);
  if (void* block = ThreadCache::pop(source); block != nullptr) [[likely]]
    return block;
  if (void* block = ThreadCache::take_counted(source); block != nullptr) return block;
  return slow(bytes);
}

// Bytes that the program may use of a block, and its end with nothing of it left.
[[nodiscard]] inline std::size_t usable_bytes(const void* pointer) noexcept {
  return process.usable_bytes(pointer);
}
void free_wiped(void* pointer) noexcept;

// From the heap of all, whatever the thread has entered. nullptr: no memory; errno stays.
[[nodiscard]] void* allocate_of_all(std::size_t bytes) noexcept;

// Whether a block may come to the heap of all with its pages.
inline constexpr bool kTakesPages = true;

// What this and the other header do at the start, before any block is handed out; where a thread
// ends, in a SlowPath; in the child of a fork; and before what a handler freed is freed.
inline void begin() noexcept {}
inline void end_thread() noexcept {}
inline void resume_child() noexcept {}
inline void begin_deferred_free(void*) noexcept {}

[[nodiscard]] void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] void* calloc(std::size_t count, std::size_t bytes) noexcept;
[[nodiscard]] void* realloc(void* pointer, std::size_t bytes) noexcept;
[[nodiscard]] void* reallocarray(void* pointer, std::size_t count, std::size_t bytes) noexcept;
[[nodiscard]] void* memalign(std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] int posix_memalign(void** pointer, std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] void* pvalloc(std::size_t bytes) noexcept;

}  // namespace luna::entry
