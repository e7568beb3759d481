// SPDX-License-Identifier: MIT
// The functions of lunalloc/heap.h, found in the process.
#pragma once

#include "expect.hpp"
#include "find_function.hpp"

#include <lunalloc/heap.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace heap {

#define LUNA_FOUND(name) \
  inline decltype(::luna_##name)* const name = find<decltype(::luna_##name)>("luna_" #name)
LUNA_FOUND(heap_create);
LUNA_FOUND(heap_malloc);
LUNA_FOUND(heap_calloc);
LUNA_FOUND(heap_aligned_alloc);
LUNA_FOUND(heap_realloc);
LUNA_FOUND(heap_try_malloc);
LUNA_FOUND(heap_of);
LUNA_FOUND(heap_name);
LUNA_FOUND(heap_stats_read);
LUNA_FOUND(heap_classes);
LUNA_FOUND(heap_list);
LUNA_FOUND(heap_set_limit);
LUNA_FOUND(heap_trim);
LUNA_FOUND(heap_reset);
LUNA_FOUND(heap_destroy);
LUNA_FOUND(heap_enter);
LUNA_FOUND(heap_leave);
LUNA_FOUND(heap_protect);
LUNA_FOUND(heap_protect_thread);
LUNA_FOUND(block_transfer);
#undef LUNA_FOUND

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = kKiB * kKiB;

[[nodiscard]] inline luna_heap_options options(const char* name, std::uint64_t limit = 0,
                                               std::uint64_t flags = 0) {
  luna_heap_options result{};
  result.struct_size = sizeof result;
  result.name = name;
  result.limit_bytes = limit;
  result.flags = flags;
  return result;
}

[[nodiscard]] inline luna_heap* made(const luna_heap_options& options) {
  luna_heap* result = heap_create(&options);
  EXPECT(result != nullptr);
  return result;
}
[[nodiscard]] inline luna_heap* made(const char* name, std::uint64_t limit = 0,
                                     std::uint64_t flags = 0) {
  return made(options(name, limit, flags));
}

[[nodiscard]] inline luna_heap_stats stats(luna_heap* of) {
  luna_heap_stats result{};
  result.struct_size = sizeof result;
  EXPECT(heap_stats_read(of, &result) == 0);
  return result;
}

// Fills the heap with blocks of one size; returns them.
inline std::vector<void*> fill(luna_heap* of, std::size_t size, std::size_t most = SIZE_MAX) {
  std::vector<void*> result;
  while (result.size() < most) {
    void* block = heap_malloc(of, size);
    if (block == nullptr) break;
    memset(block, 1, size);
    result.push_back(block);
  }
  return result;
}
inline void free_all(const std::vector<void*>& blocks) {
  for (void* block : blocks) free(block);
}

}  // namespace heap
