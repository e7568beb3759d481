// SPDX-License-Identifier: MIT
// mallctl(3) of jemalloc and its two relatives. What there is stands in table.cpp.
#include "preload/jemalloc/nodes.hpp"

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

using luna::jemalloc::FoundNode;
using luna::jemalloc::Mib;
using luna::jemalloc::Request;

[[nodiscard]] int run(const FoundNode& found, const Request& request) noexcept {
  return found.node != nullptr ? found.node->run(request, found.number) : ENOENT;
}

}  // namespace

LUNA_EXPORT int mallctl(const char* name, void* old, size_t* old_bytes, void* next,
                        size_t next_bytes) {
  if (name == nullptr) return ENOENT;
  return run(luna::jemalloc::find_node(name), {old, old_bytes, next, next_bytes});
}

// Gives as many parts as there is room for.
LUNA_EXPORT int mallctlnametomib(const char* name, size_t* parts, size_t* count) {
  if (name == nullptr) return ENOENT;
  const Mib mib = luna::jemalloc::mib_of(name);
  if (mib.count == 0) return ENOENT;
  if (mib.count < *count) *count = mib.count;
  for (size_t i = 0; i < *count; ++i) parts[i] = mib.parts[i];
  return 0;
}

LUNA_EXPORT int mallctlbymib(const size_t* parts, size_t count, void* old, size_t* old_bytes,
                             void* next, size_t next_bytes) {
  return run(luna::jemalloc::find_node(std::span(parts, count)),
             {old, old_bytes, next, next_bytes});
}
