// SPDX-License-Identifier: MIT
// Runs of a few pages: they go through the thread's lists as small blocks do. The
// slot of the granule in which one starts names its owner, as that of a slab does.
#include "base/report.hpp"
#include "heap/allocator.hpp"
#include "heap/block_lookup.hpp"
#include "heap/thread_heap.hpp"

#include <cstring>

namespace luna {

void* ThreadHeap::refill_run(std::size_t pages, bool zero) noexcept {
  note_slow_allocation();
  const std::size_t list = list_of_run(pages);
  list_was_wanted(list);
  void* listed = take_listed(list);
  if (listed == nullptr && lists[list].first != nullptr) listed = take_freed(list);
  if (listed != nullptr) {
    if (zero) std::memset(listed, 0, pages * kPageBytes);
    return listed;
  }
  reset_room(list);
  void* run = allocator_.pages().take(pages, 1, zero);
  if (run == nullptr) return nullptr;
  static_cast<void>(allowance(list, 1));  // counted, as one that comes from the list
  look_at_window();
  own_run(*reinterpret_cast<Slab*>(window_.slot_of(run)), pages);
  return run;
}

// Requires: nobody else knows of the run, the only one to start in the slot's granule.
void ThreadHeap::own_run(Slab& slot, std::size_t pages) noexcept {
  slot.size_class = Slab::kRunClass;
  slot.target = &lists[list_of_run(pages)];
  slot.owner.store(address_of(this), std::memory_order_relaxed);
}

bool ThreadHeap::keep_run(Slab& slot, void* memory, std::size_t pages) noexcept {
  const std::size_t list = list_of_run(pages);
  std::uint32_t& room = lists[list].room;
  if (room != 0) --room;  // it is zero if the fast path counted the run
  if (room == 0) {
    room = 1;
    overflowed_.set(list);
    return false;
  }
  own_run(slot, pages);
  auto* block = static_cast<Block*>(memory);
  block->next = lists[list].first;
  lists[list].first = block;
  return true;
}

std::size_t ThreadHeap::return_runs(Block* first) noexcept {
  std::size_t count = 0;
  while (first != nullptr) {
    Block* run = first;
    const Region* region = window_.region_of(run);
    if (region == nullptr) report::corrupt_free_list(nullptr, run);
    static_cast<void>(pages_of_block(*region, run, Request::kFree));
    first = run->next;
    disown_run(window_, run);
    allocator_.pages().put(run);
    ++count;
  }
  return count;
}

}  // namespace luna
