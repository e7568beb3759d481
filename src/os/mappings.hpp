// SPDX-License-Identifier: MIT
// What the kernel says of an address. Slow: reads /proc/self/maps.
#pragma once

#include <cstdint>

namespace luna::os {

// The mapping that holds an address; all zero when there is none.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  bool is_brk_heap = false;        // the kernel's [heap]
  bool is_private_memory = false;  // readable and writable, of no file and no stack
};

[[nodiscard]] Mapping find_mapping(const void* address) noexcept;

}  // namespace luna::os
