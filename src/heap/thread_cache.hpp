// SPDX-License-Identifier: MIT
// The fast path: what nearly every malloc and free is. It fits on one screen,
// takes no lock and uses no atomic read-modify-write; the rest is
// heap/thread_heap.hpp. tests/style/fast_path_test.py counts instructions.
#pragma once

#include "heap/meter.hpp"
#include "heap/size_class.hpp"
#include "heap/slab.hpp"
#include "pages/window.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class ThreadHeap;

// The part of a thread's heap that the fast path knows: for each size class, and
// each length of runs, the blocks that may be handed out without asking anybody, the
// one freed last first, as it is the likeliest to be in the processor's caches. They
// are of any slabs of the heap, and count as used there.
//
// Every address on the way is computed before it is used: a processor that has
// just stored to a list forwards it to the next load faster if neither is indexed
// nor relative to a segment (docs/adr/0012).
//
// Threads: its own.
struct ThreadCache {
  // Sizes whose lists the fast path finds at once.
  static constexpr std::size_t kMaxDirectBytes = 1024;
  static constexpr std::size_t kDirectSizes = kMaxDirectBytes / 16 + 1;

  WindowView window;
  // By whom slabs are owned that the fast path may free to: the cache of the thread's own heap,
  // which is this one, or the one that this one follows (ThreadHeap::follow()). nullptr: none.
  ThreadCache* identity = nullptr;
  // What is handed out comes from here, a list for each class: `lists`, or the second half
  // of them. Other threads may interrupt().
  FreeList* sources = nullptr;
  // The same by size in units of 16, rounded up.
  std::array<FreeList*, kDirectSizes> direct{};

  // What is freed goes to the first half. The second half is what is handed out while that is
  // kept apart, as while blocks are counted: there `beyond` counts those of the list up to the
  // one for which the thread has to come by, and with it; 0: it is yet to be drawn.
  std::array<FreeList, 2 * kLists> lists{};

  Meter meter;

  constexpr ThreadCache() noexcept {
    sources = lists.data();
    for (std::size_t i = 0; i < direct.size(); ++i) direct[i] = &lists[size_class_of(i * 16)];
  }
  ThreadCache(const ThreadCache&) = delete;
  ThreadCache& operator=(const ThreadCache&) = delete;

  void take_from(FreeList* first) noexcept {
    Pointer(sources).store(first, std::memory_order_relaxed);
    // pairs with the fence in interrupt(): if the last of `sources` is ours, all are
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (std::size_t i = 0; i < direct.size(); ++i)
      Pointer(direct[i]).store(&first[size_class_of(i * 16)], std::memory_order_relaxed);
  }

  [[nodiscard]] bool takes_from(const FreeList* first) noexcept {
    return Pointer(sources).load(std::memory_order_relaxed) == first;
  }

  // By any thread: the next allocations take the slow path, until take_from() is called.
  void interrupt() noexcept;

  // Where blocks of at least `bytes` bytes, aligned to 16, are to be popped from.
  // Requires: bytes <= kMaxDirectBytes, and of the second kMaxListedBytes.
  [[nodiscard]] FreeList& direct_source(std::size_t bytes) noexcept {
    return *Pointer(direct[(bytes + 15) / 16]).load(std::memory_order_relaxed);
  }
  [[nodiscard]] FreeList& source(std::size_t bytes) noexcept {
    FreeList* first = Pointer(sources).load(std::memory_order_relaxed);
    if (bytes <= kMaxSmallBytes) return first[size_class_of(bytes)];
    return first[list_of_run(pages_for(bytes))];
  }

  // A block of at least `bytes` bytes aligned to 16; nullptr: take the slow path.
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    return bytes <= kMaxListedBytes ? pop(source(bytes)) : nullptr;
  }

  // When a source has none: the block freed last, unless it may be a sample. So all blocks are
  // counted that are handed out while samples are taken: those in the source before they got
  // there, others here. nullptr: take the slow path, as always where nothing is counted.
  [[nodiscard]] static void* take_counted(FreeList& source) noexcept {
    const auto left = static_cast<std::int32_t>(source.beyond) - 1;
    if (left <= 0) return nullptr;
    FreeList& freed = *(&source - kLists);
    Block* block = freed.first;
    if (block == nullptr) return nullptr;
    source.beyond = static_cast<std::uint32_t>(left);
    freed.first = block->next;
    ++freed.room;
    return block;
  }

  // Frees a block of a slab of this thread, of whichever of its heaps. False: it is none, or
  // somebody has to notice; take the slow path. nullptr and foreign pointers are welcome.
  [[nodiscard]] bool try_deallocate(void* pointer) const noexcept {
    const std::size_t unit = window.unit_of(pointer);
    if (!window.holds(unit)) [[unlikely]]
      return false;
    return try_deallocate_at(unit, pointer);
  }

  // The same of a block that lies in the window, and where.
  [[nodiscard]] bool try_deallocate_at(std::size_t unit, void* pointer) const noexcept {
    const auto* slab = reinterpret_cast<const Slab*>(window.slot_at(unit));
    if (slab->owner.load(std::memory_order_relaxed) != address_of(identity)) [[unlikely]]
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

  [[nodiscard]] static void* pop(FreeList& list) noexcept {
    Block* block = list.first;
    asm("" : "+r"(block));  // in the register that returns it, which gcc 12 does not see by itself
    if (block == nullptr) [[unlikely]]
      return nullptr;
    list.first = block->next;
    ++list.room;
    return block;
  }

 private:
  // What other threads may change; the plain accesses are of the constructor.
  using Pointer = std::atomic_ref<FreeList*>;
};

// That of threads without a heap: it has no blocks and owns none.
extern constinit ThreadCache no_cache;

inline void ThreadCache::interrupt() noexcept {
  FreeList* nothing = &no_cache.lists[kLists];  // nobody ever puts anything there
  for (FreeList*& list : direct) Pointer(list).store(nothing, std::memory_order_relaxed);
  // pairs with the fence in take_from()
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Pointer(sources).store(nothing, std::memory_order_relaxed);
}

}  // namespace luna
