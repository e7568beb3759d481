// SPDX-License-Identifier: MIT
#include "heap/samples.hpp"

#include "heap/allocator.hpp"
#include "os/memory.hpp"

#include <new>

namespace luna {

bool Samples::begin(Allocator& allocator, const SampleObserver& observer) noexcept {
  os::ScopedLock guard(lock_);
  if (heap() != nullptr) return true;
  void* memory = os::map(round_up(sizeof(ThreadHeap), os::page_bytes()));
  if (memory == nullptr) return false;
  observer_ = observer;
  auto* heap = ::new (memory) ThreadHeap(allocator);
  // Threads see it at the latest with the first block of it that they are handed.
  heap_.store(reinterpret_cast<std::uintptr_t>(heap), std::memory_order_relaxed);
  return true;
}

void* Samples::take(SizeClass size_class) noexcept {
  os::ScopedLock guard(lock_);
  void* block = heap()->take_or_refill(size_class);
  heap()->check_next(size_class, static_cast<const Block*>(block));
  return block;
}

void Samples::put(Slab& slab, void* block) noexcept {
  os::ScopedLock guard(lock_);
  heap()->deallocate_noticed(slab, static_cast<Block*>(block));
}

void Samples::own_run(Slab& slot) noexcept {
  slot.size_class = Slab::kRunClass;
  slot.target = &heap()->lists[0];
  slot.owner.store(heap_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

std::size_t Samples::trim(bool purge) noexcept {
  os::ScopedLock guard(lock_);
  return heap() != nullptr ? heap()->trim(purge) : 0;
}

void Samples::forget_returned() noexcept {
  if (heap() != nullptr) static_cast<void>(heap()->returned().take_all());
}

// The memory of the heap stays: a slab that is gone may name it.
void Samples::abandon() noexcept {
  if (heap() == nullptr) return;
  Allocator& allocator = heap()->allocator();
  ::new (heap()) ThreadHeap(allocator);
}

}  // namespace luna
