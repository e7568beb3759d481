// SPDX-License-Identifier: MIT
// In front of heap/asked.hpp: without the end of a block, and the page behind it.
#pragma once

#include "hardened/block_end.hpp"

#include <cstddef>

namespace luna {

// The inverse of hardened::with_end(), but that who asks for less than 9 bytes has got 9.
[[nodiscard]] constexpr std::size_t asked_of(std::size_t bytes) noexcept {
  const bool has_guard = bytes > hardened::kMaxUnguardedBytes;
  return bytes - hardened::kEndBytes - (has_guard ? kPageBytes : 0);
}

}  // namespace luna
