// SPDX-License-Identifier: MIT
#include "heap/slab.hpp"

#include "base/bitmap.hpp"
#include "base/check.hpp"
#include "base/report.hpp"
#include "heap/carving.hpp"
#include "os/memory.hpp"

#include <bit>

namespace luna {

namespace {

using BlockSet = Bitmap<kGranuleBytes / kMinBlockBytes>;

// Index of the block that starts at `block`; reports if none does.
std::size_t checked_index(const Slab& slab, const std::byte* memory, const Block* block) noexcept {
  const std::size_t offset = address_of(block) - address_of(memory);
  if (offset >= kGranuleBytes) report::corrupt_free_list(memory, block);
  const std::size_t index = slab.index_of(offset);
  if (index * slab.info().block_bytes != offset || index >= slab.fresh)
    report::corrupt_free_list(memory, block);
  return index;
}

// Blocks from `first` on, before `end`.
struct BlockRange {
  std::size_t first;
  std::size_t end;

  [[nodiscard]] std::size_t count() const noexcept { return end - first; }
};

[[nodiscard]] BlockRange blocks_starting_in(const SizeClassInfo& info, std::size_t page) noexcept {
  const std::size_t bytes = info.block_bytes;
  const auto clamp = [&](std::size_t index) {
    return index < info.capacity ? index : std::size_t{info.capacity};
  };
  return {clamp((page * kPageBytes + bytes - 1) / bytes),
          clamp(((page + 1) * kPageBytes + bytes - 1) / bytes)};
}

[[nodiscard]] BlockRange touched_blocks_starting_in(const Slab& slab, std::size_t page) noexcept {
  const BlockRange blocks = blocks_starting_in(slab.info(), page);
  const std::size_t end = blocks.end < slab.fresh ? blocks.end : slab.fresh;
  return {blocks.first, end < blocks.first ? blocks.first : end};
}

// Makes the free list anew, in the order of addresses.
void relink(Slab& slab, std::byte* memory, const BlockSet& listed) noexcept {
  slab.own.first = nullptr;
  for (std::size_t i = slab.fresh; i-- > 0;) {
    if (!listed.test(i)) continue;
    auto* block = reinterpret_cast<Block*>(memory + i * slab.info().block_bytes);
    block->next = slab.own.first;
    slab.own.first = block;
  }
}

[[nodiscard]] BlockSet free_blocks(const Slab& slab, const std::byte* memory) noexcept {
  BlockSet result;
  std::size_t count = 0;
  for (const Block* block = slab.own.first; block != nullptr; block = block->next, ++count) {
    const std::size_t index = checked_index(slab, memory, block);
    if (result.test(index)) report::double_free(block);
    result.set(index);
  }
  if (count != slab.carved - slab.used()) report::corrupt_free_list(memory, slab.own.first);
  return result;
}

}  // namespace

void begin_slab(Slab& slab, SizeClass size_class, std::uintptr_t owner, bool warm) noexcept {
  slab.own.first = nullptr;
  slab.target = &slab.own;
  slab.carved = 0;
  slab.set_used(0);
  slab.fresh = slab.purged_pages = 0;
  slab.size_class = size_class;
  slab.state = SlabState::kNone;
  slab.kept = false;
  slab.shared = false;
  slab.warm = warm;
  slab.touched_before = 0;
  slab.used_at_purge = 0;
  slab.previous = slab.next = nullptr;
  // pairs with the load in unlist_orphan()
  slab.owner.store(owner, std::memory_order_seq_cst);
}

void carve(Slab& slab, std::byte* memory) noexcept {
  LUNA_DCHECK(slab.own.first == nullptr && slab.has_room());
  const SizeClassInfo& info = slab.info();
  if (slab.purged_pages != 0) {
    const auto page = static_cast<std::size_t>(std::countr_zero(slab.purged_pages));
    slab.purged_pages = static_cast<std::uint16_t>(slab.purged_pages & (slab.purged_pages - 1));
    const BlockRange blocks = touched_blocks_starting_in(slab, page);
    return link_blocks(slab, memory, blocks.first, blocks.end);
  }
  const std::size_t first = slab.fresh;
  const std::size_t end = blocks_starting_in(info, first * info.block_bytes / kPageBytes).end;
  slab.fresh = static_cast<std::uint16_t>(end);
  link_blocks(slab, memory, first, end);
}

std::size_t purge_free_pages(Slab& slab, std::byte* memory) noexcept {
  if (!slab.has_free()) return 0;
  BlockSet listed = free_blocks(slab, memory);  // and checks it, whatever can be purged
  if (os::page_bytes() != kPageBytes) return 0;
  BlockSet free = listed;
  const std::size_t pages = pages_for(slab.touched_bytes());
  for (std::size_t page = 0; page < pages; ++page) {
    if ((slab.purged_pages >> page & 1) == 0) continue;
    const BlockRange blocks = touched_blocks_starting_in(slab, page);
    free.set_range(blocks.first, blocks.count());
  }
  std::size_t purged = 0;
  for (std::size_t page = 0; page < pages; ++page) {
    if ((slab.purged_pages >> page & 1) != 0) continue;
    const BlockRange blocks = touched_blocks_starting_in(slab, page);
    // The page may begin with the end of a block that starts before it.
    const std::size_t first = page * kPageBytes / slab.info().block_bytes;
    const std::size_t end = blocks.count() != 0 ? blocks.end : first + 1;
    if (!free.all(first, end - first)) continue;
    if (!os::purge(memory + page * kPageBytes, kPageBytes)) continue;
    ++purged;
    if (blocks.count() == 0) continue;
    listed.clear_range(blocks.first, blocks.count());
    slab.carved -= static_cast<std::uint32_t>(blocks.count());
    slab.purged_pages = static_cast<std::uint16_t>(slab.purged_pages | 1U << page);
  }
  if (purged != 0) relink(slab, memory, listed);
  return purged;
}

void check_free_list(const Slab& slab, const std::byte* memory) noexcept {
  static_cast<void>(free_blocks(slab, memory));
}

}  // namespace luna
