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
  // What is handed out comes from here: the first of `lists`, but see ThreadHeap. Other
  // threads may interrupt().
  FreeList* sources = nullptr;
  // The same by size in units of 16, rounded up.
  std::array<FreeList*, kDirectSizes> direct{};

  std::array<FreeList, kLists> lists{};  // what is freed goes here

  // While each block is counted, `sources` is this, and has none; see try_allocate_counted().
  const FreeList* counted_sources = nullptr;
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

  // A block of at least `bytes` bytes aligned to 16, or nullptr: ask try_allocate_any() if it is
  // larger than kMaxDirectBytes, else try_allocate_counted().
  [[nodiscard]] void* try_allocate(std::size_t bytes) noexcept {
    if (bytes > kMaxDirectBytes) [[unlikely]]
      return nullptr;
    return pop(*Pointer(direct[(bytes + 15) / 16]).load(std::memory_order_relaxed));
  }

  // The same for all sizes; nullptr: ask try_allocate_counted().
  [[nodiscard]] void* try_allocate_any(std::size_t bytes) noexcept {
    FreeList* first = Pointer(sources).load(std::memory_order_relaxed);
    if (bytes <= kMaxSmallBytes) return pop(first[size_class_of(bytes)]);
    if (bytes > kMaxListedBytes) [[unlikely]]
      return nullptr;
    return pop(first[list_of_run(pages_for(bytes))]);
  }

  // When these had none: a block that is no sample, while samples are taken. nullptr: take the
  // slow path.
  [[nodiscard]] void* try_allocate_counted(std::size_t bytes) noexcept {
    if (bytes > kMaxListedBytes) return nullptr;
    if (Pointer(sources).load(std::memory_order_relaxed) != counted_sources) return nullptr;
    const std::size_t list =
        bytes <= kMaxSmallBytes ? size_class_of(bytes) : list_of_run(pages_for(bytes));
    FreeList& source = lists[list];
    Block* block = source.first;
    if (block == nullptr || !meter.count_one(list)) return nullptr;
    source.first = block->next;
    ++source.room;
    return block;
  }

  // Frees a block of a slab of this thread. False: it is none, or somebody has
  // to notice; take the slow path. nullptr and foreign pointers are welcome.
  [[nodiscard]] bool try_deallocate(void* pointer) const noexcept {
    const std::size_t unit = window.unit_of(pointer);
    if (!window.holds(unit)) [[unlikely]]
      return false;
    const auto* slab = reinterpret_cast<const Slab*>(window.slot_at(unit));
    if (slab->owner.load(std::memory_order_relaxed) != address_of(this)) [[unlikely]]
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
  FreeList* nothing = no_cache.lists.data();  // nobody ever puts anything there
  for (FreeList*& list : direct) Pointer(list).store(nothing, std::memory_order_relaxed);
  // pairs with the fence in take_from()
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Pointer(sources).store(nothing, std::memory_order_relaxed);
}

}  // namespace luna
