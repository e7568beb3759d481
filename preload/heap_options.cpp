// SPDX-License-Identifier: MIT
// What luna_heap_create() is asked for.
#include "preload/heaps.hpp"

#include <lunalloc/heap.h>

#include <cstring>
#include <string_view>

namespace luna {

bool is_valid(const luna_heap_options& options) noexcept {
  constexpr std::uint64_t kFlags = LUNA_HEAP_EXACT | LUNA_HEAP_WIPES | LUNA_HEAP_HUGE_PAGES |
                                   LUNA_HEAP_KEY | LUNA_HEAP_INHERITED | LUNA_HEAP_GUARDS;
  // A huge page is mapped anew, and would lose the key; guarded slots are the process's.
  constexpr std::uint64_t kWithoutKey = LUNA_HEAP_HUGE_PAGES | LUNA_HEAP_GUARDS;
  if (options.struct_size != sizeof options || options.name == nullptr) return false;
  const std::size_t length = strnlen(options.name, LUNA_HEAP_NAME_BYTES);
  if (length == 0 || length == LUNA_HEAP_NAME_BYTES) return false;
  for (const char c : std::string_view(options.name, length)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7F) return false;  // it is printed as it is
  }
  if ((options.flags & ~kFlags) != 0 || options.denial > LUNA_HEAP_ABORTS) return false;
  if ((options.flags & LUNA_HEAP_KEY) != 0 && (options.flags & kWithoutKey) != 0) return false;
  if (options.denial == LUNA_HEAP_CALLS && options.on_denial == nullptr) return false;
  return options.reserve_bytes == 0 || options.reserve_bytes < options.limit_bytes;
}

}  // namespace luna
