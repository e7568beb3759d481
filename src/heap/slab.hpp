// SPDX-License-Identifier: MIT
// A slab: one granule cut into blocks of a single size class. Its header is the
// slot of the granule, one cache line that only the owner writes to.
// What other threads write to is its remote area: heap/remote.hpp.
#pragma once

#include "base/align.hpp"
#include "base/report.hpp"
#include "heap/free_link.hpp"
#include "heap/size_class.hpp"
#include "pages/window.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class ThreadHeap;

// A free block; the program's bytes while it is in use.
struct Block {
  FreeLink next;
};

// Free blocks, and how many more may be pushed before somebody has to notice.
struct FreeList {
  Block* first = nullptr;
  std::uint32_t room = 0;
  std::uint32_t beyond = 0;  // room held back, of a slab that is asleep
};

enum class SlabState : std::uint8_t {
  kNone,     // no slab
  kCurrent,  // its class allocates from it
  kPartial,  // in its class's list: has free blocks, or room for more
  kAsleep,   // in a list of its own: was full, and too little was freed since to wake it
};

// What the owner frees goes to the list at `target`: a list of the thread's cache
// for the class, or the slab's own. See docs/adr/0012.
//
// The owner must notice when a slab becomes empty, and when enough of a full one
// is free to be worth a refill; but the fast path can afford one comparison. So
// own.room counts down to the next such event; what else is in use is beyond.
//
// Invariants, tested by verify():
//   1. `own` holds carved - used() blocks, each of them once
//   2. each starts at a block boundary among the first `fresh` blocks
//   3. carved is `fresh` less the blocks that start in purged pages
//
// Threads: the owner, but for `owner`, and size_class while a block is in use.
struct alignas(64) Slab {
  // In the slot of a run, which has an owner and a target and no more.
  static constexpr SizeClass kRunClass = kSizeClasses;

  // The thread heap that may use the free list, or the one that it follows; 0 where there is no
  // slab.
  std::atomic<std::uintptr_t> owner;

  FreeList* target;
  FreeList own;                // room, and beyond: as many as are in use
  std::uint32_t carved;        // blocks in use, in a thread's list, or in `own`
  std::uint16_t fresh;         // blocks from this one on were never handed out
  std::uint16_t purged_pages;  // pages whose blocks are free but in no list
  SizeClass size_class;
  SlabState state;
  bool kept : 1;                // empty, but kept by its heap
  bool warm : 1;                // its pages held data before it was begun
  bool named;                   // of a named heap; others read it too
  bool shared;                  // other threads freed blocks of it
  std::uint8_t touched_before;  // pages from its start that the page heap does not know of
  std::uint16_t used_at_purge;  // blocks that were in use when its free pages were last looked for

  Slab* previous;
  Slab* next;

  [[nodiscard]] const SizeClassInfo& info() const noexcept { return kSizeClassInfos[size_class]; }

  // Whether blocks lie here; the slot may be of a run, or of nothing.
  [[nodiscard]] bool is_slab() const noexcept {
    return owner.load(std::memory_order_relaxed) != 0 && size_class != kRunClass;
  }

  // Whom the owner's word names; see Allocator::owner_of().
  [[nodiscard]] ThreadHeap* owner_heap() const noexcept {
    // Read by other threads too: the heap it names is never unmapped. Pairs with the release of
    // who changes it to another heap, and then has the one before know it no more.
    return reinterpret_cast<ThreadHeap*>(owner.load(std::memory_order_acquire));
  }

  // Blocks in use, or in a thread cache's list.
  [[nodiscard]] std::uint32_t used() const noexcept { return own.room + own.beyond; }
  void set_used(std::uint32_t used) noexcept {
    own.room = used;
    own.beyond = 0;
  }

  // So many free blocks wake a slab: one in four, so that a refill that takes
  // them is worth its while, but not more than would add up in many slabs.
  [[nodiscard]] std::uint32_t blocks_to_wake() const noexcept {
    const std::uint32_t part = info().capacity / 4U;
    return part < 1 ? 1 : part > 32 ? 32 : part;
  }

  // Puts off the next notice until it wakes. Requires: fewer blocks are free.
  void fall_asleep() noexcept {
    const std::uint32_t now = used();
    own.room = blocks_to_wake() - (carved - now);
    own.beyond = now - own.room;
  }

  [[nodiscard]] std::uint32_t free_blocks() const noexcept { return carved - used(); }
  [[nodiscard]] bool has_free() const noexcept { return carved != used(); }
  [[nodiscard]] bool has_room() const noexcept {
    return fresh != info().capacity || purged_pages != 0;
  }

  // Index of the block that holds the byte at `offset`.
  [[nodiscard]] std::size_t index_of(std::size_t offset) const noexcept {
    return offset * info().reciprocal >> 32;
  }

  // Bytes from the start that may have been written to by this slab.
  [[nodiscard]] std::size_t touched_bytes() const noexcept {
    return std::size_t{fresh} * info().block_bytes;
  }

  // Pages from the start that were written to since the page heap handed them out.
  [[nodiscard]] std::size_t touched_pages() const noexcept {
    const std::size_t now = pages_for(touched_bytes());
    return now > touched_before ? now : touched_before;
  }

  // Bytes that the kernel may back.
  [[nodiscard]] std::size_t backed_bytes() const noexcept {
    return warm ? kGranuleBytes : touched_bytes();
  }
};

static_assert(sizeof(Slab) == sizeof(Slot));

// Makes a new slab of a granule, `warm` if its pages may be backed already. Its
// blocks are carved as needed. Requires: `named` is set.
void begin_slab(Slab& slab, SizeClass size_class, std::uintptr_t owner, bool warm) noexcept;

// Carves the blocks of one more page and adds them to the free list.
// Requires: the free list is empty, and has_room().
void carve(Slab& slab, std::byte* memory) noexcept;

// Gives those pages back that hold free blocks only, and takes the blocks that
// start in them off the list. Returns the pages given back. Slow.
std::size_t purge_free_pages(Slab& slab, std::byte* memory) noexcept;

// Reports and aborts unless the free list is as it must be. Slow: walks it.
void check_free_list(const Slab& slab, const std::byte* memory) noexcept;

// The same for the first three blocks only, which are about to be handed out:
// far enough to see the circle that a double free makes at once, and cheap enough
// for every refill. Requires: the list is not empty.
inline void glance_at_free_list(const Slab& slab, const std::byte* memory) noexcept {
  const auto strays = [memory](const Block* block) noexcept {
    return (address_of(block) ^ address_of(memory)) >= kGranuleBytes || address_of(block) % 16 != 0;
  };
  const Block* first = slab.own.first;
  if (strays(first)) [[unlikely]]
    report::corrupt_free_list(memory, first);
  const Block* second = first->next;
  if (second == nullptr) return;
  if (strays(second)) [[unlikely]]
    report::corrupt_free_list(memory, second, first);
  const Block* third = second->next;
  if (second == first || third == first) [[unlikely]]
    report::double_free(first);
  if (third == second) [[unlikely]]
    report::double_free(second);
  if (third != nullptr && strays(third)) [[unlikely]]
    report::corrupt_free_list(memory, third, second);
}

}  // namespace luna
