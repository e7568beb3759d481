// SPDX-License-Identifier: MIT
// What signal handlers get that have interrupted a slow path: blocks of the reserve, and frees
// that are done when the slow path ends. Nothing here waits, and all of it may be interrupted.
#include "base/report.hpp"
#include "preload/entry.hpp"
#include "preload/foreign.hpp"
#include "preload/heaps.hpp"
#include "preload/slow_path.hpp"

#include <cstring>

namespace luna {

// A block to be freed. It lies in the block itself where that has room and is ours.
struct DeferredFree {
  DeferredFree* next;
  void* pointer;
};

void* Process::reallocate_in_handler(void* pointer, std::size_t bytes) noexcept {
  const std::size_t old_bytes = usable_bytes(pointer);
  if (bytes <= old_bytes && bytes > old_bytes / 2) return pointer;
  void* block = reserve_.allocate(bytes);
  if (block == nullptr) return nullptr;
  std::memcpy(block, pointer, bytes < old_bytes ? bytes : old_bytes);
  deallocate_in_handler(pointer);
  return block;
}

void Process::deallocate_in_handler(void* pointer) noexcept {
  if (reserve_.deallocate(pointer)) return;
  DeferredFree* entry = entry_for(pointer);
  if (entry == nullptr) return;  // lost: there is no memory to remember it in
  entry->pointer = pointer;
  DeferredFree* first = thread_state.deferred.load(std::memory_order_relaxed);
  do {
    entry->next = first;
  } while (!thread_state.deferred.compare_exchange_weak(first, entry, std::memory_order_relaxed));
}

// Not in a guarded block, which may be shorter, nor in what is not ours: both lie outside of the
// regions; nor in a heap that is closed. nullptr: no memory.
DeferredFree* Process::entry_for(void* pointer) noexcept {
  const NamedHeap* heap = named_heaps.of(pointer);
  const bool is_closed = heap != nullptr && !heap->is_open();
  if (is_closed || allocator_.window().region_of(pointer) == nullptr)
    return static_cast<DeferredFree*>(reserve_.allocate(sizeof(DeferredFree)));
  auto* entry = static_cast<DeferredFree*>(pointer);
  if (entry->pointer != pointer) return entry;
  // Either what the program wrote there, or it was freed already.
  for (const DeferredFree* other = thread_state.deferred.load(std::memory_order_relaxed);
       other != nullptr; other = other->next)
    if (other == entry) report::double_free(pointer);
  return entry;
}

// Requires: the caller is in a slow path.
void Process::free_all(DeferredFree* first) noexcept {
  while (first != nullptr) {
    DeferredFree* entry = first;
    void* pointer = entry->pointer;
    first = entry->next;
    if (entry != pointer) static_cast<void>(reserve_.deallocate(entry));
    entry::begin_deferred_free(pointer);
    ThreadHeap* heap = thread_state.heap();
    if (heap != nullptr && heap->try_deallocate(pointer)) continue;
    if (!deallocate_in_window(heap, pointer)) foreign::deallocate(pointer);
  }
}

// A handler may come as soon as this is done, and defer more: then it starts again.
void SlowPath::free_deferred() noexcept {
  while (thread_state.deferred.load(std::memory_order_relaxed) != nullptr) {
    enter();
    process.free_all(thread_state.deferred.exchange(nullptr, std::memory_order_relaxed));
    leave();
  }
}

}  // namespace luna
