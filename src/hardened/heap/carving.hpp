// SPDX-License-Identifier: MIT
// In front of heap/carving.hpp: blocks that were never handed out are zeros, as those that were
// freed are; hardened/block_end.hpp.
#pragma once

#include "base/align.hpp"
#include "hardened/block_end.hpp"
#include "hardened/secret.hpp"
#include "heap/slab.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace luna {

// In an order that nobody can foresee, but so that neighbours in time are neighbours in memory, up
// to some: who walks through what it allocated has the processor fetch ahead.
inline void link_blocks(Slab& slab, std::byte* memory, std::size_t first,
                        std::size_t end) noexcept {
  constexpr std::size_t kMost = kPageBytes / kMinBlockBytes;  // of a page
  constexpr std::size_t kNeighbours = 4;
  static constinit std::atomic<std::uint64_t> times{0};
  const std::size_t bytes = slab.info().block_bytes;
  if (!slab.named && (slab.warm || slab.touched_before != 0))
    std::memset(memory + first * bytes, 0, (end - first) * bytes);
  std::uint64_t random = times.fetch_add(1, std::memory_order_relaxed) ^ address_of(&slab);
  std::array<std::uint16_t, kMost> order;
  for (std::size_t i = 0; i < end - first; ++i) {
    random = hardened::fold(random ^ hardened::secret.link[0], hardened::secret.canary[1]);
    const std::size_t begin = i / kNeighbours * kNeighbours;
    const std::size_t at = begin + ((random & UINT32_MAX) * (i - begin + 1) >> 32);
    order[i] = order[at];
    order[at] = static_cast<std::uint16_t>(first + i);
  }
  const std::uint64_t mark = hardened::fresh_mark();
  Block* next = slab.own.first;
  for (std::size_t i = 0; i < end - first; ++i) {
    auto* block = reinterpret_cast<Block*>(memory + order[i] * bytes);
    block->next = next;
    if (!slab.named)
      hardened::end_of({memory + order[i] * bytes, bytes, true})
          .store(mark, std::memory_order_relaxed);
    next = block;
  }
  slab.own.first = next;
  slab.carved += static_cast<std::uint32_t>(end - first);
}

// Of a slab that ends, all of whose blocks are free. Of long ones only some are looked at, others
// each time, for to read them all takes as long as to clear them did. Those of named heaps are not
// cleared when they are freed.
inline void check_contents(const Slab& slab, std::byte* memory) noexcept {
  constexpr std::size_t kLong = 1024;
  constexpr std::size_t kStep = 8;
  static constinit std::atomic<std::size_t> times{0};
  if (slab.named) return;
  const std::size_t bytes = slab.info().block_bytes;
  const bool all = bytes <= kLong;
  const std::size_t first = all ? 0 : times.fetch_add(1, std::memory_order_relaxed) % kStep;
  for (std::size_t i = first; i < slab.fresh; i += all ? 1 : kStep) {
    const hardened::Extent block{memory + i * bytes, bytes, true};
    if (!hardened::is_clear_but_link(block)) [[unlikely]]
      hardened::report_listed(block.memory, block.bytes);
  }
}

}  // namespace luna
