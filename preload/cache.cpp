// SPDX-License-Identifier: MIT
// lunalloc/cache.h: what of it is not in the header itself.
#include "os/cache_lines.hpp"
#include "os/nontemporal.hpp"

#include <lunalloc/cache.h>

#include <cerrno>

namespace {

constinit luna::os::CacheLines cache_lines;

}  // namespace

extern "C" {

[[gnu::visibility("default")]] size_t luna_cache_line_bytes(void) {
  return cache_lines.line_bytes();
}

[[gnu::visibility("default")]] int luna_cache_write_back(const void* address, size_t bytes) {
  if (bytes > UINTPTR_MAX - reinterpret_cast<uintptr_t>(address)) return EINVAL;
  cache_lines.write_back(address, bytes);
  return 0;
}

[[gnu::visibility("default")]] int luna_cache_flush(const void* address, size_t bytes) {
  if (bytes > UINTPTR_MAX - reinterpret_cast<uintptr_t>(address)) return EINVAL;
  cache_lines.flush(address, bytes);
  return 0;
}

[[gnu::visibility("default")]] int luna_cache_invalidate(const void* /*address*/,
                                                         size_t /*bytes*/) {
  return ENOTSUP;
}

[[gnu::visibility("default")]] void luna_copy_nontemporal(void* to, const void* from,
                                                          size_t bytes) {
  luna::os::copy_nontemporal(to, from, bytes);
}

[[gnu::visibility("default")]] void luna_zero_nontemporal(void* to, size_t bytes) {
  luna::os::zero_nontemporal(to, bytes);
}
}
