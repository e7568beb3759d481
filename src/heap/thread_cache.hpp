// SPDX-License-Identifier: MIT
// The fast path: what nearly every malloc and free is. It fits on one screen,
// takes no lock, uses no atomic read-modify-write and counts nothing; the rest
// is heap/thread_heap.hpp. tests/style/fast_path_test.py counts instructions.
#pragma once

#include "heap/size_class.hpp"
#include "heap/slab.hpp"
#include "pages/window.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// What a thread keeps in thread-local storage: for each size class the blocks
// that it may hand out without asking anybody, the one freed last first, as it is
// the likeliest to be in the processor's caches. The blocks of a list belong to any
// slabs of the thread's heap and count as used there.
//
// Threads: its own.
struct ThreadCache {
  // A value that names no heap and is not 0, so that no slab compares equal.
  static constexpr std::uintptr_t kDetached = 1;

  // The lists, and the same memory as the fast path indexes it: word 2 i is the
  // first block of list i, the next one begins with its room.
  union Word {
    Block* first;
    std::uint32_t room;
  };
  union {
    std::array<FreeList, kFastClasses> lists = {};
    std::array<Word, 2 * kFastClasses> words;
  };
  std::uintptr_t owner = kDetached;  // the thread's heap, as in Slab::owner
  WindowView window;

  // A block of at least `bytes` bytes aligned to 16, or nullptr: take the slow path.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    if (bytes > kMaxFastBytes) [[unlikely]]
      return nullptr;
    const std::size_t word = kFastTable[(bytes + 15) / 16];
    Block* block = words[word].first;
    asm("" : "+r"(block));  // keeps it in the register that returns it: gcc 12 would move it
    if (block == nullptr) [[unlikely]]
      return nullptr;
    words[word].first = block->next;
    ++words[word + 1].room;
    return block;
  }

  // Frees a block of a slab of this thread. False: it is none, or somebody has
  // to notice; take the slow path. nullptr and foreign pointers are welcome.
  [[nodiscard]] bool try_deallocate(void* pointer) const noexcept {
    const std::size_t unit = window.unit_of(pointer);
    if (!window.holds(unit)) [[unlikely]]
      return false;
    const auto* slab = reinterpret_cast<const Slab*>(window.slot_at(unit));
    if (slab->owner.load(std::memory_order_relaxed) != owner) [[unlikely]]
      return false;
    auto* block = static_cast<Block*>(pointer);
    FreeList& list = *slab->target;
    Block* first = list.first;
    if (block == first) [[unlikely]]
      return false;  // freed twice in a row
    if (--list.room == 0) [[unlikely]]
      return false;  // counted, but the slow path has yet to put the block back
    block->next = first;
    list.first = block;
    return true;
  }
};

static_assert(sizeof(FreeList) == 2 * sizeof(ThreadCache::Word));

}  // namespace luna
