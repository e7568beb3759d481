// SPDX-License-Identifier: MIT
// How a slab's blocks get into its free list, and what is looked at when it ends. The hardened
// library has a header of this name in front of this one.
#pragma once

#include "heap/slab.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// Adds the blocks from `first` on, before `end`, to the free list.
inline void link_blocks(Slab& slab, std::byte* memory, std::size_t first,
                        std::size_t end) noexcept {
  const std::size_t bytes = slab.info().block_bytes;
  Block* next = slab.own.first;
  for (std::size_t i = end; i-- > first;) {
    auto* block = reinterpret_cast<Block*>(memory + i * bytes);
    block->next = next;
    next = block;
  }
  slab.own.first = next;
  slab.carved += static_cast<std::uint32_t>(end - first);
}

// Of a slab all of whose blocks are free. Nothing is known of what is in them.
inline void check_contents(const Slab&, std::byte*) noexcept {}

}  // namespace luna
