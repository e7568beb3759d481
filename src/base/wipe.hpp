// SPDX-License-Identifier: MIT
// Clearing memory that nobody is going to read, so that the compiler must not leave it out.
#pragma once

#include <cstddef>
#include <cstring>

namespace luna {

inline void wipe(void* memory, std::size_t bytes) noexcept {
  std::memset(memory, 0, bytes);
  asm volatile("" : : "r"(memory) : "memory");  // for all that is known, this reads it
}

}  // namespace luna
