// SPDX-License-Identifier: MIT
// Guarded blocks with one of the two ends at a page without access, as every other one has.
#pragma once

#include "mistake.hpp"

#include <cstdint>

namespace mistake {

enum class End { kFirst, kLast };

// The program ends with 3 if none comes: then nothing is guarded.
[[nodiscard]] inline char* guarded_block(std::size_t size, End guarded) {
  constexpr std::uintptr_t kPage = 4096;
  for (int i = 0; i < 40; ++i) {
    char* const block = block_of(size);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    const auto end = address + (size + 15) / 16 * 16;
    if ((guarded == End::kFirst ? address : end) % kPage == 0) return block;
  }
  _exit(3);
}

// Accesses that the compiler neither moves nor leaves out.
inline void read_at(const char* at) { static_cast<void>(*static_cast<const volatile char*>(at)); }
inline void write_at(char* at) { *static_cast<volatile char*>(at) = 7; }

}  // namespace mistake
