// SPDX-License-Identifier: MIT
// All named heaps, and what threads have of them.
#pragma once

#include "heap/named_heap.hpp"
#include "os/lock.hpp"

#include <atomic>
#include <cstddef>

namespace luna {

// Threads: any; one lock inside, which is taken before those of allocators.
class NamedHeaps {
 public:
  // Heaps lie in the window of the first allocator.
  explicit constexpr NamedHeaps(Allocator& first) noexcept : first_(first) {}
  NamedHeaps(const NamedHeaps&) = delete;
  NamedHeaps& operator=(const NamedHeaps&) = delete;

  // 0 or an errno value. Requires: the options are valid.
  [[nodiscard]] int create(const luna_heap_options& options, NamedHeap*& heap) noexcept;
  [[nodiscard]] int reset(NamedHeap& heap) noexcept;
  [[nodiscard]] int destroy(NamedHeap& heap) noexcept;

  // The heap of a block, whose address is in the window; nullptr: it is of none, or of one that
  // is gone.
  [[nodiscard]] NamedHeap* of(const void* pointer) noexcept;

  // What the calling thread has; nullptr: no memory.
  [[nodiscard]] ThreadParts* attach() noexcept;
  void detach(ThreadParts& parts) noexcept;

  // The thread's part of a heap, made now if it has none; nullptr: no memory.
  [[nodiscard]] ThreadHeap* part_of(ThreadParts& parts, NamedHeap& heap) noexcept;

  // Frees a block that the first allocator says is another one's. A block of a heap that is gone
  // is gone too, and nobody's mistake: it may have waited in a queue when the heap was emptied.
  void deallocate(ThreadParts& parts, void* pointer) noexcept;
  void deallocate_without_parts(void* pointer) noexcept;

  // To be called when the first allocator's settings, or its sampling, have changed.
  void follow() noexcept;

  // Calls visit(NamedHeap&) for each, under the lock; those created last come first.
  template <typename Visit>
  void for_each(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next) visit(*heap);
  }
  [[nodiscard]] std::size_t count() noexcept;

  // Calls visit(const void* table, std::size_t bytes) for the metadata that is in no allocator.
  template <typename Visit>
  void for_each_table(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    for (const NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next)
      visit(heap, sizeof *heap);
    for (const NamedHeap* heap = free_; heap != nullptr; heap = heap->next)
      visit(heap, sizeof *heap);
    for (const ThreadParts* parts = parts_; parts != nullptr; parts = parts->next)
      visit(parts, sizeof *parts);
  }
  [[nodiscard]] ArenaStore& store() noexcept { return store_; }

  // fork(): hold everything, let go, or start anew in the child. Before, and after, those of the
  // first allocator.
  void prepare_fork() noexcept;
  void resume_parent() noexcept;
  void resume_child(const ThreadParts& survivor) noexcept;

 private:
  [[nodiscard]] NamedHeap* take_place() noexcept;
  void follow(NamedHeap& heap) noexcept;
  void stop(NamedHeap& heap) noexcept;
  [[nodiscard]] bool is_entered(const NamedHeap& heap) const noexcept;
  void put_free(ThreadParts& parts) noexcept;

  Allocator& first_;
  ArenaStore store_;
  os::Lock lock_;
  NamedHeap* heaps_ = nullptr;
  NamedHeap* free_ = nullptr;  // places of heaps that are gone
  std::size_t count_ = 0;
  std::size_t places_ = 0;
  std::atomic<std::size_t> pages_offset_{0};  // of its page heap, in a heap
  ThreadParts* parts_ = nullptr;              // of all threads
  ThreadParts* free_parts_ = nullptr;         // of threads that are gone
};

// Calls visit(Allocator&) for the first allocator, and those of the heaps in its window.
template <typename Visit>
void for_each_allocator(Allocator& first, Visit visit) noexcept {
  visit(first);
  if (NamedHeaps* heaps = first.named(); heaps != nullptr)
    heaps->for_each([&](NamedHeap& heap) noexcept { visit(heap.allocator()); });
}

// The usage of all of them.
[[nodiscard]] HeapUsage whole_usage(Allocator& first) noexcept;

}  // namespace luna
