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

  std::uintptr_t owner = kDetached;  // the thread's heap, as in Slab::owner
  WindowView window;
  std::array<Block*, kSizeClasses> lists{};
  std::array<std::uint16_t, kSizeClasses> room{};  // blocks that a list may take in yet

  // A block of at least `bytes` bytes aligned to 16, or nullptr: take the slow path.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    if (bytes > kMaxSmallBytes) [[unlikely]]
      return nullptr;
    const SizeClass size_class = size_class_of(bytes);
    Block* block = lists[size_class];
    if (block == nullptr) [[unlikely]]
      return nullptr;
    lists[size_class] = block->next;
    ++room[size_class];
    return block;
  }

  // Frees a block of a slab of this thread. False: it is none, or somebody has
  // to notice; take the slow path. nullptr and foreign pointers are welcome.
  [[nodiscard]] bool try_deallocate(void* pointer) noexcept {
    const std::size_t unit = window.unit_of(pointer);
    if (!window.holds(unit)) [[unlikely]]
      return false;
    const auto* slab = reinterpret_cast<const Slab*>(window.slot_at(unit));
    if (slab->owner.load(std::memory_order_relaxed) != owner) [[unlikely]]
      return false;
    const SizeClass size_class = slab->size_class;
    auto* block = static_cast<Block*>(pointer);
    Block*& list = lists[size_class];
    if (block == list) [[unlikely]]
      return false;  // freed twice in a row
    if (--room[size_class] == 0) [[unlikely]]
      return false;  // counted, but the slow path has yet to put the block back
    block->next = list;
    list = block;
    return true;
  }
};

}  // namespace luna
