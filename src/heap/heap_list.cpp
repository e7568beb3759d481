// SPDX-License-Identifier: MIT
#include "heap/heap_list.hpp"

#include "heap/allocator.hpp"
#include "os/memory.hpp"

#include <new>

namespace luna {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;

}  // namespace

bool HeapList::attach(Allocator& allocator, ThreadCache& cache) noexcept {
  os::ScopedLock guard(lock_);
  ThreadHeap* heap = parked_;
  if (heap != nullptr) {
    parked_ = heap->next_parked;
    heap->next_parked = nullptr;
  } else {
    heap = create(allocator);
    if (heap == nullptr) return false;
  }
  heap->attach(cache);
  return true;
}

ThreadHeap* HeapList::create(Allocator& allocator) noexcept {
  if (chunk_bytes_ < sizeof(ThreadHeap)) {
    auto* chunk = static_cast<std::byte*>(os::map(kChunkBytes));
    if (chunk == nullptr) return nullptr;
    chunk_ = chunk;
    chunk_bytes_ = kChunkBytes;
  }
  auto* heap = ::new (chunk_) ThreadHeap(allocator);
  chunk_ += sizeof(ThreadHeap);
  chunk_bytes_ -= sizeof(ThreadHeap);
  heap->next_heap = heaps_;
  heaps_ = heap;
  ++count_;
  return heap;
}

void HeapList::park(ThreadCache& cache) noexcept {
  auto* heap = reinterpret_cast<ThreadHeap*>(cache.owner);
  heap->detach();
  os::ScopedLock guard(lock_);
  heap->next_parked = parked_;
  parked_ = heap;
}

std::size_t HeapList::trim_parked(bool purge) noexcept {
  os::ScopedLock guard(lock_);
  std::size_t purged = 0;
  for (ThreadHeap* heap = parked_; heap != nullptr; heap = heap->next_parked)
    purged += heap->trim(purge);
  return purged;
}

std::size_t HeapList::count() noexcept {
  os::ScopedLock guard(lock_);
  return count_;
}

void HeapList::repair_after_fork(Allocator& allocator, const ThreadCache& survivor) noexcept {
  bool repaired = false;
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap) {
    if (!heap->attached() || reinterpret_cast<std::uintptr_t>(heap) == survivor.owner) continue;
    heap->forget_after_fork();
    heap->next_parked = parked_;
    parked_ = heap;
    repaired = true;
  }
  if (!repaired) return;
  // A thread that is gone may have been about to push a slab, so the stacks are
  // made anew; and slabs are found by their owner words, for no list can be
  // trusted.
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap)
    static_cast<void>(heap->returned().take_all());
  allocator.for_each_slab([&](Slab& slab) noexcept {
    RemoteArea& area = remote_area(allocator.window(), &slab);
    area.listed.store(0, std::memory_order_relaxed);
    ThreadHeap* heap = slab.heap();
    if (heap->lost_after_fork) {
      heap->adopt_after_fork(slab);
    } else if (has_freed(area)) {
      area.listed.store(1, std::memory_order_relaxed);
      heap->returned().push(area, &slab);
    }
  });
  for (ThreadHeap* heap = heaps_; heap != nullptr; heap = heap->next_heap)
    heap->lost_after_fork = false;
}

}  // namespace luna
