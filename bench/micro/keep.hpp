// SPDX-License-Identifier: MIT
// keep: stops the compiler from leaving out a malloc whose block nobody reads.
#pragma once

#include <cstdlib>

namespace bench {

// Returns the pointer as one of unknown origin, whose block anybody may have seen.
inline void* keep(void* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

inline void* allocate(std::size_t bytes) { return keep(std::malloc(bytes)); }

inline void deallocate(void* pointer) { std::free(keep(pointer)); }

}  // namespace bench
