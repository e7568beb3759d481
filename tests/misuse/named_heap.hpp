// SPDX-License-Identifier: MIT
// Heaps of lunalloc's interface, where the library that the program runs with has them.
#pragma once

#include "mistake.hpp"

#include <dlfcn.h>
#include <lunalloc/heap.h>

namespace mistake {

// The function of that name; without it the mistake cannot be made.
template <typename Function>
[[nodiscard]] inline Function* function_of(const char* name) {
  auto* const function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
  if (function == nullptr) _exit(2);
  return function;
}

[[nodiscard]] inline luna_heap* heap_named(const char* name) {
  luna_heap_options options = {};
  options.struct_size = sizeof options;
  options.name = name;
  luna_heap* const heap = function_of<decltype(luna_heap_create)>("luna_heap_create")(&options);
  if (heap == nullptr) _exit(2);
  return heap;
}

[[nodiscard]] inline char* block_of(luna_heap* heap, std::size_t size) {
  void* const block = function_of<decltype(luna_heap_malloc)>("luna_heap_malloc")(heap, size);
  if (block == nullptr) _exit(2);
  std::memset(block, 1, size);
  return opaque(static_cast<char*>(block));
}

}  // namespace mistake
