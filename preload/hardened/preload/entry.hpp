// SPDX-License-Identifier: MIT
// In front of preload/entry.hpp: the same calls, with what hardened/ checks around each block.
// Blocks of named heaps, pools, guarded samples and the C library pass through as they are.
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

[[nodiscard]] void* malloc(std::size_t bytes) noexcept;
void free(void* pointer) noexcept;

// From a list of the thread alone; nullptr: it has none.
[[nodiscard]] void* allocate_listed(std::size_t bytes) noexcept;

template <void* (*slow)(std::size_t)>
[[nodiscard]] inline void* allocate_or(std::size_t bytes) {
  void* block = allocate_listed(bytes);
  return block != nullptr ? block : slow(bytes);
}

// Report a size that is not the one asked for; for free_sized() rounded up
// to pages, as by pvalloc().
void delete_sized(void* pointer, std::size_t bytes) noexcept;
void delete_sized(void* pointer, std::size_t bytes, std::size_t alignment) noexcept;
void free_sized(void* pointer, std::size_t bytes) noexcept;

[[nodiscard]] std::size_t usable_bytes(const void* pointer) noexcept;
void free_wiped(void* pointer) noexcept;

[[nodiscard]] void* allocate_of_all(std::size_t bytes) noexcept;
inline constexpr bool kTakesPages = false;  // they have no room for an end

void begin() noexcept;
void end_thread() noexcept;
void resume_child() noexcept;
void begin_deferred_free(void* pointer) noexcept;

[[nodiscard]] void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] void* calloc(std::size_t count, std::size_t bytes) noexcept;
[[nodiscard]] void* realloc(void* pointer, std::size_t bytes) noexcept;
[[nodiscard]] void* reallocarray(void* pointer, std::size_t count, std::size_t bytes) noexcept;
[[nodiscard]] void* memalign(std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] int posix_memalign(void** pointer, std::size_t alignment, std::size_t bytes) noexcept;
[[nodiscard]] void* pvalloc(std::size_t bytes) noexcept;

}  // namespace luna::entry
