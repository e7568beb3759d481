// SPDX-License-Identifier: MIT
// luna_memory_cold() of include/lunalloc/pressure.h.
#include "base/align.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"
#include "preload/process.hpp"

#include <lunalloc/pressure.h>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

using luna::process;

// Nothing is kept of the call: the block may be freed at any time, and its memory be another's.
LUNA_EXPORT int luna_memory_cold(const void* pointer, size_t bytes) {
  const std::uintptr_t start = luna::address_of(pointer);
  std::uintptr_t end = 0;
  if (pointer == nullptr || __builtin_add_overflow(start, bytes, &end)) return luna::os::kInvalid;
  if (!process.enabled()) return luna::os::kNotSupported;
  const std::size_t page = luna::os::page_bytes();
  const std::uintptr_t first = luna::round_up(start, page);
  const std::uintptr_t last = luna::round_down(end, page);
  if (first < start || first >= last) return 0;
  const bool at_once = process.pressure().level() == LUNA_PRESSURE_CRITICAL;
  return luna::os::advise_cold(reinterpret_cast<const void*>(first), last - first, at_once);
}
