// SPDX-License-Identifier: MIT
// All thread heaps, and those that wait for a thread.
#pragma once

#include "heap/thread_heap.hpp"
#include "os/lock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class Allocator;

// A thread that ends parks its heap with the slabs that are in use; the next new
// thread adopts the one parked last, whose memory is the warmest.
//
// Threads: any; one lock inside.
class HeapList {
 public:
  // A heap for the calling thread. nullptr: the kernel refuses memory.
  [[nodiscard]] ThreadHeap* attach(Allocator& allocator) noexcept;

  // Parks the heap of the calling thread.
  void park(ThreadHeap& heap) noexcept;

  // Takes a slab of a thread that has ended over for `heap`. False: its heap is no
  // longer parked, or somebody else is at work here.
  [[nodiscard]] bool adopt(ThreadHeap& heap, Slab& slab) noexcept;

  // Takes any slab of the class over that has blocks to hand out; nullptr: there
  // is none at hand.
  [[nodiscard]] Slab* adopt_any(ThreadHeap& heap, SizeClass size_class) noexcept;

  // Trims the parked heaps; returns the pages purged. Slow.
  std::size_t trim_parked(bool purge) noexcept;

  // Forgets all heaps; their memory serves those that come next, that of the calling thread's
  // heap (`own`, or nullptr) at once, and that of others when it has rested: their threads may be
  // in the middle of a free. Requires: nobody else uses it otherwise.
  void abandon(ThreadHeap* own) noexcept;

  // In the child of a fork: parks the heaps of threads that are gone.
  void repair_after_fork(Allocator& allocator, const ThreadHeap* survivor) noexcept;

  // Has all own their slabs by their own names. Requires: their threads are not at them.
  void end_following() noexcept;

  // Parks a heap whose thread ends later: when its blocks can be written to again.
  void leave(ThreadHeap& heap) noexcept;
  void park_left() noexcept;

  // Has every thread take the slow path at its next allocation.
  void interrupt_all() noexcept;

  [[nodiscard]] std::size_t count() noexcept;

  // Calls visit(const ThreadHeap&) for each heap. Requires: the lock is held.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    for (const ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap) visit(*heap);
  }

  // The same for those whose memory waits to be used again.
  template <typename Visit>
  void for_each_abandoned(Visit visit) const noexcept {
    for (const ThreadHeap* heap = abandoned_; heap != nullptr; heap = heap->next_heap) visit(*heap);
  }

  [[nodiscard]] os::Lock& lock() noexcept { return lock_; }

 private:
  [[nodiscard]] ThreadHeap* create(Allocator& allocator) noexcept;
  [[nodiscard]] ThreadHeap* cut(Allocator& allocator) noexcept;
  void push_parked(ThreadHeap* heap) noexcept;

  os::Lock lock_;
  ThreadHeap* heaps_ = nullptr;
  ThreadHeap* parked_ = nullptr;
  std::size_t count_ = 0;

  // Classes of which a parked heap may have a slab with blocks to hand out.
  std::atomic<std::uint64_t> parked_classes_{0};

  ThreadHeap* abandoned_ = nullptr;
  std::byte* chunk_ = nullptr;  // where new heaps are cut from
  std::size_t chunk_bytes_ = 0;
};

}  // namespace luna
