// SPDX-License-Identifier: MIT
#include "heap/remote.hpp"

#include "base/report.hpp"

#include <bit>

namespace luna {

namespace {

[[nodiscard]] std::size_t words_of(const Slab& slab) noexcept {
  return (std::size_t{slab.info().capacity} + 63) / 64;
}

}  // namespace

bool publish_freed(RemoteArea& area, Slab* slab, const std::byte* memory, std::size_t word,
                   std::uint64_t bits) noexcept {
  // The bits first, then `listed`; the collector does it the other way round.
  // Both are sequentially consistent: either it sees the bits, or we see the 0.
  const std::uint64_t before = area.freed[word].fetch_or(bits, std::memory_order_seq_cst);
  if ((before & bits) != 0) [[unlikely]] {
    const auto bit = static_cast<std::size_t>(std::countr_zero(before & bits));
    report::double_free(memory + (word * 64 + bit) * slab->info().block_bytes);
  }
  if (area.listed.load(std::memory_order_seq_cst) != 0) return false;
  return area.listed.exchange(1, std::memory_order_seq_cst) == 0;
}

bool has_freed(const RemoteArea& area) noexcept {
  std::uint64_t pending = 0;
  for (const auto& word : area.freed) pending |= word.load(std::memory_order_seq_cst);
  return pending != 0;
}

bool unlist_orphan(RemoteArea& area, const Slab* slab) noexcept {
  area.listed.exchange(0, std::memory_order_seq_cst);
  // After the exchange, as seen by all: a new owner either sees the 0, or is seen.
  if (slab->owner.load(std::memory_order_seq_cst) == 0) return false;
  return has_freed(area) && area.listed.exchange(1, std::memory_order_seq_cst) == 0;
}

std::size_t collect_freed(RemoteArea& area, Slab& slab, std::byte* memory) noexcept {
  const std::size_t bytes = slab.info().block_bytes;
  std::size_t count = 0;
  Block* list = slab.own.first;
  for (std::size_t i = 0; i < words_of(slab); ++i) {
    if (area.freed[i].load(std::memory_order_seq_cst) == 0) continue;
    std::uint64_t bits = area.freed[i].exchange(0, std::memory_order_seq_cst);
    count += static_cast<std::size_t>(std::popcount(bits));
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t index = i * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      auto* block = reinterpret_cast<Block*>(memory + index * bytes);
      block->next = list;
      list = block;
    }
  }
  // More came back than was out: some block was freed here and elsewhere.
  if (count > slab.used()) report::double_free(list);
  slab.own.first = list;
  if (count != 0) slab.shared = true;
  slab.set_used(slab.used() - static_cast<std::uint32_t>(count));
  return count;
}

}  // namespace luna
