// SPDX-License-Identifier: MIT
// All named heaps, and what threads have of them.
#pragma once

#include "heap/named_heap.hpp"
#include "os/lock.hpp"

#include <atomic>
#include <cstddef>

namespace luna {

// Threads: any. Two locks inside, which are taken before those of allocators: one is held while a
// heap ends, and the locks of who is told of samples may be taken under it; under the other one,
// of the lists, they may not.
class NamedHeaps {
 public:
  // Heaps lie in the window of the first allocator.
  constexpr NamedHeaps(Allocator& first, os::ProtectionKeys& keys) noexcept
      : first_(first), keys_(keys) {}
  NamedHeaps(const NamedHeaps&) = delete;
  NamedHeaps& operator=(const NamedHeaps&) = delete;

  // 0 or an errno value. Requires: the options are valid.
  [[nodiscard]] int create(const luna_heap_options& options, NamedHeap*& heap) noexcept;
  // `own` is what the calling thread has, or no_parts.
  [[nodiscard]] int reset(NamedHeap& heap, const ThreadParts& own) noexcept;
  [[nodiscard]] int destroy(NamedHeap& heap, const ThreadParts& own) noexcept;

  // The heap of a block; nullptr: it is of none, or of one that is gone.
  [[nodiscard]] NamedHeap* of(const void* pointer) noexcept;

  // What the calling thread has, whose own heap its parts will follow, if it has one; nullptr: no
  // memory.
  [[nodiscard]] ThreadParts* attach(ThreadHeap* own_heap) noexcept;

  // The same for one that had none when it was attached. Requires: there are no parts yet.
  static void give_own_heap(ThreadParts& parts, ThreadHeap& own_heap) noexcept;
  void detach(ThreadParts& parts) noexcept;

  // The thread's part of a heap, made now if it has none; nullptr: no memory.
  [[nodiscard]] ThreadHeap* part_of(ThreadParts& parts, NamedHeap& heap) noexcept;

  // Frees a block that the first allocator says is another one's. A block of a heap that is gone
  // is gone too, and nobody's mistake: it may have waited in a queue when the heap was emptied.
  void deallocate(ThreadParts& parts, void* pointer) noexcept;
  void deallocate_without_parts(void* pointer) noexcept;

  // Moves a large block, with its pages, to another heap; nullptr: to the first allocator, or from
  // it. nullptr: see NamedHeap::take_over(), or the thread has no parts and the block is a heap's.
  [[nodiscard]] void* move(ThreadParts& parts, void* pointer, NamedHeap* to) noexcept;

  // To be called when the first allocator's settings, or its sampling, have changed.
  void follow() noexcept;

  // Gives free memory of all back, but for what is in lists of threads. Returns the bytes.
  std::size_t trim() noexcept;

  // Goes on with what is due from time to time, as threads do that come by.
  void tick(std::uint64_t now_ms) noexcept;

  // Calls visit(NamedHeap&) for each that does not end just now, under the lock of the lists; those
  // created last come first.
  template <typename Visit>
  void for_each(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next)
      if (heap->is_alive()) visit(*heap);
  }
  [[nodiscard]] std::size_t count() noexcept;

  // The same for the one of the lowest number that is not below `number`. False: there is none.
  template <typename Visit>
  bool visit_from(std::size_t number, Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    NamedHeap* found = nullptr;
    for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next)
      if (heap->is_alive() && heap->number() >= number &&
          (found == nullptr || heap->number() < found->number()))
        found = heap;
    if (found != nullptr) visit(*found);
    return found != nullptr;
  }

  // Calls visit(NamedHeap&, std::size_t number) for each, where parents have lower numbers than
  // their children, beginning with 0. Returns how many there are.
  template <typename Visit>
  std::size_t for_each_numbered(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    std::size_t all = 0;
    for (const NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next)
      if (heap->is_alive()) ++all;
    std::size_t number = all;
    for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next)
      if (heap->is_alive()) visit(*heap, --number);
    return all;
  }

  // Calls visit(const void* table, std::size_t bytes) for the metadata that is in no allocator.
  template <typename Visit>
  void for_each_table(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    for (const NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next)
      visit(heap, sizeof *heap);
    for (const NamedHeap* heap = free_; heap != nullptr; heap = heap->next)
      visit(heap, sizeof *heap);
    for (const ThreadParts* parts = all_parts(); parts != nullptr; parts = parts->next)
      visit(parts, sizeof *parts);
  }
  [[nodiscard]] ArenaStore& store() noexcept { return store_; }

  // fork(): hold everything, let go, or start anew in the child. The first two do so for the first
  // allocator too, whose locks come between those of the heaps and that of the store; the child
  // starts that anew afterwards. Who is told of samples holds his before these: hold_ends() comes
  // first of all, and let_ends_go() last.
  void hold_ends() noexcept { ending_.lock(); }
  void let_ends_go() noexcept { ending_.unlock(); }
  void prepare_fork() noexcept;
  void resume_parent() noexcept;
  void resume_child(const ThreadParts& survivor) noexcept;

 private:
  [[nodiscard]] ThreadParts* all_parts() const noexcept {
    return parts_.load(std::memory_order_acquire);  // pairs with the release in attach()
  }
  [[nodiscard]] NamedHeap* take_place() noexcept;
  void follow(NamedHeap& heap) noexcept;
  [[nodiscard]] int begin_end(NamedHeap& heap, bool with_children) noexcept;
  void end_pools(const NamedHeap& heap) noexcept;
  void end_blocks(NamedHeap& heap, const ThreadParts& own) noexcept;
  [[nodiscard]] ThreadParts* attach_free() noexcept;
  [[nodiscard]] bool is_entered(const NamedHeap& heap) const noexcept;
  [[nodiscard]] bool try_detach(ThreadParts& parts) noexcept;
  void put_free(ThreadParts& parts) noexcept;
  [[nodiscard]] NamedHeap* of_guarded(const void* pointer) const noexcept;

  Allocator& first_;
  os::ProtectionKeys& keys_;
  ArenaStore store_;
  os::Lock ending_;
  os::Lock lock_;
  NamedHeap* heaps_ = nullptr;
  NamedHeap* free_ = nullptr;  // places of heaps that are gone
  std::size_t count_ = 0;
  std::size_t places_ = 0;
  std::atomic<std::size_t> pages_offset_{0};  // of its page heap, in a heap
  std::atomic<ThreadParts*> parts_{nullptr};  // of all threads, none of which ever goes
  ThreadParts* free_parts_ = nullptr;         // of threads that are gone
};

// Calls visit(Allocator&) for the first allocator, and those of the heaps in its window.
template <typename Visit>
void for_each_allocator(Allocator& first, Visit visit) noexcept {
  visit(first);
  if (NamedHeaps* heaps = first.named(); heaps != nullptr)
    heaps->for_each([&](NamedHeap& heap) noexcept { visit(heap.allocator()); });
}

// The usage, and the totals, of all of them.
[[nodiscard]] PageTotals whole_totals(Allocator& first) noexcept;
[[nodiscard]] HeapUsage whole_usage(Allocator& first) noexcept;

}  // namespace luna
