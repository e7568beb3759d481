// SPDX-License-Identifier: MIT
#include "heap/heap_list.hpp"

#include "heap/allocator.hpp"
#include "os/clock.hpp"
#include "os/memory.hpp"

#include <new>

namespace luna {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;

}  // namespace

ThreadHeap* HeapList::attach(Allocator& allocator) noexcept {
  os::ScopedLock guard(lock_);
  ThreadHeap* heap = parked_;
  if (heap != nullptr) {
    parked_ = heap->next_parked;
    heap->next_parked = nullptr;
    heap->set_parked(false);
  } else {
    heap = create(allocator);
    if (heap == nullptr) return nullptr;
  }
  heap->attach();
  return heap;
}

void HeapList::abandon(ThreadHeap* own) noexcept {
  const std::uint64_t now_ms = os::coarse_milliseconds();
  ThreadHeap** last = &abandoned_;
  while (*last != nullptr) last = &(*last)->next_heap;
  for (ThreadHeap *heap = heaps_, *next; heap != nullptr; heap = next) {
    next = heap->next_heap;
    if (heap == own) continue;
    heap->gone_since_ms = now_ms;
    heap->next_heap = nullptr;
    *last = heap;
    last = &heap->next_heap;
  }
  if (own != nullptr) {
    own->gone_since_ms = 0;
    own->next_heap = abandoned_;
    abandoned_ = own;
  }
  heaps_ = nullptr;
  parked_ = nullptr;
  count_ = 0;
  parked_classes_.store(0, std::memory_order_relaxed);
}

ThreadHeap* HeapList::create(Allocator& allocator) noexcept {
  ThreadHeap* heap = abandoned_;
  if (heap != nullptr && os::coarse_milliseconds() - heap->gone_since_ms >= ArenaStore::kRestMs) {
    abandoned_ = heap->next_heap;
    ::new (heap) ThreadHeap(allocator);
  } else {
    heap = cut(allocator);
    if (heap == nullptr) return nullptr;
  }
  heap->next_heap = heaps_;
  heaps_ = heap;
  ++count_;
  return heap;
}

ThreadHeap* HeapList::cut(Allocator& allocator) noexcept {
  if (chunk_bytes_ < sizeof(ThreadHeap)) {
    auto* chunk = static_cast<std::byte*>(os::map(kChunkBytes));
    if (chunk == nullptr) return nullptr;
    chunk_ = chunk;
    chunk_bytes_ = kChunkBytes;
  }
  auto* heap = ::new (chunk_) ThreadHeap(allocator);
  chunk_ += sizeof(ThreadHeap);
  chunk_bytes_ -= sizeof(ThreadHeap);
  return heap;
}

void HeapList::park(ThreadHeap& heap) noexcept {
  heap.detach();
  os::ScopedLock guard(lock_);
  push_parked(&heap);
}

void HeapList::push_parked(ThreadHeap* heap) noexcept {
  heap->next_parked = parked_;
  parked_ = heap;
  heap->set_parked(true);
  parked_classes_.fetch_or(heap->classes_with_room(), std::memory_order_relaxed);
}

bool HeapList::adopt(ThreadHeap& heap, Slab& slab) noexcept {
  if (!lock_.try_lock()) return false;
  ThreadHeap* owner = heap.allocator().owner_of(slab);
  const bool parked = owner != nullptr && owner->parked();
  if (parked) {
    owner->drain();  // what waits there for the slab shall not wait for a thread
    heap.adopt(*owner, slab);
  }
  lock_.unlock();
  return parked;
}

Slab* HeapList::adopt_any(ThreadHeap& heap, SizeClass size_class) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << size_class;
  if ((parked_classes_.load(std::memory_order_relaxed) & bit) == 0) return nullptr;
  if (!lock_.try_lock()) return nullptr;
  Slab* found = nullptr;
  for (ThreadHeap* parked = parked_; parked != nullptr && found == nullptr;
       parked = parked->next_parked) {
    found = parked->slab_with_room(size_class);
    if (found != nullptr) heap.adopt(*parked, *found);
  }
  // While the lock is held no heap is parked, so that no other bit gets lost.
  if (found == nullptr) parked_classes_.fetch_and(~bit, std::memory_order_relaxed);
  lock_.unlock();
  return found;
}

std::size_t HeapList::trim_parked(bool purge) noexcept {
  os::ScopedLock guard(lock_);
  std::size_t purged = 0;
  for (ThreadHeap* heap = parked_; heap != nullptr; heap = heap->next_parked)
    purged += heap->trim(purge);
  return purged;
}

void HeapList::end_following() noexcept {
  os::ScopedLock guard(lock_);
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap) {
    heap->follow(*heap);
    heap->interrupt();
  }
}

void HeapList::leave(ThreadHeap& heap) noexcept {
  os::ScopedLock guard(lock_);
  heap.left = true;
}

void HeapList::park_left() noexcept {
  while (true) {
    ThreadHeap* heap = nullptr;
    {
      os::ScopedLock guard(lock_);
      heap = heaps_;
      while (heap != nullptr && !heap->left) heap = heap->next_heap;
      if (heap == nullptr) return;
      heap->left = false;
    }
    park(*heap);
  }
}

void HeapList::interrupt_all() noexcept {
  os::ScopedLock guard(lock_);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with notice_interrupt()
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap) heap->interrupt();
}

std::size_t HeapList::count() noexcept {
  os::ScopedLock guard(lock_);
  return count_;
}

void HeapList::repair_after_fork(Allocator& allocator, const ThreadHeap* survivor) noexcept {
  bool repaired = false;
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap) {
    if (heap == survivor) heap->note_thread();  // the kernel numbers it anew
    if (!heap->attached() || heap == survivor) continue;
    heap->forget_after_fork();
    push_parked(heap);
    repaired = true;
  }
  if (!repaired) return;
  // A thread that is gone may have been about to push a slab, so the stacks are
  // made anew; and slabs are found by their owner words, for no list can be
  // trusted.
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap)
    static_cast<void>(heap->returned().take_all());
  allocator.samples().forget_returned();
  allocator.for_each_slab([&](Slab& slab) noexcept {
    RemoteArea& area = remote_area(allocator.window(), &slab);
    area.listed.store(0, std::memory_order_relaxed);
    ThreadHeap* heap = allocator.owner_of(slab);
    if (heap->lost_after_fork) {
      heap->adopt_after_fork(slab);
    } else if (has_freed(area)) {
      area.listed.store(1, std::memory_order_relaxed);
      heap->returned().push(area, &slab);
    }
  });
  parked_classes_.store(~std::uint64_t{0}, std::memory_order_relaxed);
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap)
    heap->lost_after_fork = false;
}

}  // namespace luna
