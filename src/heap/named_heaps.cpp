// SPDX-License-Identifier: MIT
#include "heap/named_heaps.hpp"

#include "heap/pool_list.hpp"
#include "os/clock.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"

#include <new>

namespace luna {

constinit ThreadParts no_parts;

namespace {

static_assert(ThreadParts::kMost == LUNA_HEAPS);

}  // namespace

// A place that had a heap, or a new one; nullptr: no memory.
NamedHeap* NamedHeaps::take_place() noexcept {
  if (NamedHeap* heap = free_; heap != nullptr) {
    free_ = heap->next;
    return heap;
  }
  void* memory = os::map(round_up(sizeof(NamedHeap), os::page_bytes()));
  if (memory == nullptr) return nullptr;
  auto* heap = ::new (memory) NamedHeap(places_++, first_, store_, keys_);
  // Seen by whoever has a block of the heap.
  pages_offset_.store(address_of(&heap->allocator().pages()) - address_of(heap),
                      std::memory_order_relaxed);
  return heap;
}

int NamedHeaps::create(const luna_heap_options& options, NamedHeap*& heap) noexcept {
  os::ScopedLock guard(lock_);
  if (count_ == ThreadParts::kMost) return os::kNoSpace;
  first_.set_named(this);
  heap = store_.begin(first_.window()) ? take_place() : nullptr;
  if (heap == nullptr) return os::kNoMemory;
  first_.pages().share(store_);
  heap->begin(options);
  follow(*heap);
  if (heap->parent() != nullptr) ++heap->parent()->children;
  heap->next = heaps_;
  heaps_ = heap;
  ++count_;
  heap->set_alive(true);
  return 0;
}

// Requires: lock_ is held.
bool NamedHeaps::is_entered(const NamedHeap& heap) const noexcept {
  for (const ThreadParts* parts = all_parts(); parts != nullptr; parts = parts->next)
    if (parts->times_entered(heap.number()) != 0) return true;
  return false;
}

// From here on nobody finds the heap. 0, or it is in use.
int NamedHeaps::begin_end(NamedHeap& heap, bool with_children) noexcept {
  os::ScopedLock guard(lock_);
  if ((heap.children != 0 && !with_children) || is_entered(heap)) return os::kBusy;
  heap.set_alive(false);
  return 0;
}

// Waits for those that are at it yet, who may wait for locks of others themselves.
void NamedHeaps::end_blocks(NamedHeap& heap, const ThreadParts& own) noexcept {
  ThreadHeap* part = own.at(heap.number());
  for (const ThreadParts* parts = all_parts(); parts != nullptr; parts = parts->next)
    while (parts->is_busy_with(heap)) os::sleep_nanoseconds(1000);
  // Not before nobody looks for the owner of a slab any more.
  for (ThreadParts* parts = all_parts(); parts != nullptr; parts = parts->next)
    parts->set(heap.number(), nullptr);
  heap.allocator().forget_samples();
  heap.empty(part);
}

void NamedHeaps::end_pools(const NamedHeap& heap) noexcept {
  if (PoolList* pools = first_.pools(); pools != nullptr) pools->end_those_of(heap);
}

int NamedHeaps::reset(NamedHeap& heap, const ThreadParts& own) noexcept {
  os::ScopedLock ending(ending_);
  if (const int error = begin_end(heap, true); error != 0) return error;
  end_pools(heap);
  end_blocks(heap, own);
  os::ScopedLock guard(lock_);
  follow(heap);
  heap.set_alive(true);
  return 0;
}

int NamedHeaps::destroy(NamedHeap& heap, const ThreadParts& own) noexcept {
  os::ScopedLock ending(ending_);
  if (const int error = begin_end(heap, false); error != 0) return error;
  end_pools(heap);
  end_blocks(heap, own);
  os::ScopedLock guard(lock_);
  if (heap.parent() != nullptr) --heap.parent()->children;
  NamedHeap** at = &heaps_;
  while (*at != &heap) at = &(*at)->next;
  *at = heap.next;
  heap.end();
  heap.next = free_;
  free_ = &heap;
  --count_;
  return 0;
}

// Samples are taken in it as everywhere.
void NamedHeaps::follow(NamedHeap& heap) noexcept {
  Allocator& allocator = heap.allocator();
  allocator.config().decay_ms = std::uint64_t{first_.config().decay_ms};
  allocator.config().thread_cache_bytes = std::size_t{first_.config().thread_cache_bytes};
  allocator.pages().set_placement(first_.pages().placement());
  allocator.pages().set_hard_limit(first_.pages().hard_limit());
  if (first_.samples().thread_heap() == nullptr) return;
  if (!allocator.begin_sampling(first_.samples().observer())) return;
  allocator.set_sampling_interval(first_.samples().interval(), first_.samples().next_seed());
}

void NamedHeaps::follow() noexcept {
  for_each([this](NamedHeap& heap) noexcept { follow(heap); });
}

std::size_t NamedHeaps::trim() noexcept {
  std::size_t bytes = 0;
  for_each([&](NamedHeap& heap) noexcept { bytes += heap.trim(nullptr); });
  return bytes;
}

void NamedHeaps::tick(std::uint64_t now_ms) noexcept {
  for_each([&](NamedHeap& heap) noexcept {
    heap.allocator().pages().tick(now_ms, heap.allocator().config().decay_ms);
  });
}

NamedHeap* NamedHeaps::of(const void* pointer) noexcept {
  const Region* region = first_.window().region_of(pointer);
  if (region == nullptr) return of_guarded(pointer);
  if (region->pages == nullptr) return nullptr;
  if (region->pages == &first_.pages()) return nullptr;
  return reinterpret_cast<NamedHeap*>(address_of(region->pages) -
                                      pages_offset_.load(std::memory_order_relaxed));
}

NamedHeap* NamedHeaps::of_guarded(const void* pointer) const noexcept {
  const GuardedBlocks& guarded = first_.guarded();
  const GuardedBlock* block = guarded.own(pointer) ? guarded.find(pointer) : nullptr;
  NamedHeap* heap = block != nullptr ? block->heap.load(std::memory_order_relaxed) : nullptr;
  return heap != GuardedBlock::ended_heap() ? heap : nullptr;
}

ThreadParts* NamedHeaps::attach_free() noexcept {
  os::ScopedLock guard(lock_);
  ThreadParts* parts = free_parts_;
  if (parts != nullptr) {
    free_parts_ = parts->next_free;
    parts->is_free = false;
    return parts;
  }
  void* memory = os::map(round_up(sizeof(ThreadParts), os::page_bytes()));
  if (memory == nullptr) return nullptr;
  parts = ::new (memory) ThreadParts;
  parts->next = parts_.load(std::memory_order_relaxed);
  parts_.store(parts, std::memory_order_release);  // pairs with the acquire in all_parts()
  return parts;
}

void NamedHeaps::detach(ThreadParts& parts) noexcept {
  while (!try_detach(parts)) os::sleep_nanoseconds(1000);
}

// False: a heap that it has a part of ends just now, and others may yet look for the owners of its
// slabs.
bool NamedHeaps::try_detach(ThreadParts& parts) noexcept {
  os::ScopedLock guard(lock_);
  for (const NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next)
    if (parts.at(heap->number()) != nullptr && !heap->is_alive()) return false;
  for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next) {
    parts.set_times_entered(heap->number(), 0);
    ThreadHeap* part = parts.at(heap->number());
    if (part == nullptr) continue;
    part->follow(*part);
    parts.set(heap->number(), nullptr);
    if (heap->is_open()) {
      heap->allocator().park(*part);
      continue;
    }
    // Of a protected heap nothing can be given back just now. Who opens it looks once.
    heap->allocator().heaps().leave(*part);
    if (heap->is_open()) heap->allocator().heaps().park_left();
  }
  if (parts.own_heap() != nullptr) parts.own_heap()->set_parts(nullptr);
  parts.set_own_heap(nullptr);
  put_free(parts);
  return true;
}

void NamedHeaps::put_free(ThreadParts& parts) noexcept {
  parts.is_free = true;
  parts.next_free = free_parts_;
  free_parts_ = &parts;
}

ThreadParts* NamedHeaps::attach(ThreadHeap* own_heap) noexcept {
  ThreadParts* parts = attach_free();
  if (parts != nullptr && own_heap != nullptr) give_own_heap(*parts, *own_heap);
  return parts;
}

void NamedHeaps::give_own_heap(ThreadParts& parts, ThreadHeap& own_heap) noexcept {
  parts.set_own_heap(&own_heap);
  own_heap.set_parts(&parts);
}

ThreadHeap* NamedHeaps::part_of(ThreadParts& parts, NamedHeap& heap) noexcept {
  ThreadHeap* part = parts.at(heap.number());
  if (part == nullptr) {
    part = heap.allocator().attach();
    if (part == nullptr) return nullptr;
    parts.set(heap.number(), part);
  }
  // After it can be found by what its slabs will name.
  if (!part->follows() && heap.frees_fast() && parts.own_heap() != nullptr)
    part->follow(*parts.own_heap());
  return part;
}

void NamedHeaps::deallocate(ThreadParts& parts, void* pointer) noexcept {
  NamedHeap* heap = of(pointer);
  if (heap == nullptr) return;
  parts.begin(*heap);
  if (heap->is_alive() && of(pointer) == heap) heap->deallocate(parts.at(heap->number()), pointer);
  parts.end();
}

// For a thread that has no parts, and gets none: the lock holds back who ends heaps.
void NamedHeaps::deallocate_without_parts(void* pointer) noexcept {
  os::ScopedLock guard(ending_);
  NamedHeap* heap = of(pointer);
  if (heap != nullptr && heap->is_alive()) heap->deallocate(nullptr, pointer);
}

PageTotals whole_totals(Allocator& first) noexcept {
  PageTotals sum;
  for_each_allocator(first, [&](Allocator& allocator) noexcept {
    const PageTotals totals = allocator.pages().totals();
    sum.used += totals.used;
    sum.dirty += totals.dirty;
  });
  return sum;
}

HeapUsage whole_usage(Allocator& first) noexcept {
  HeapUsage sum;
  for_each_allocator(first, [&](Allocator& allocator) noexcept { sum += allocator.usage(); });
  return sum;
}

std::size_t NamedHeaps::count() noexcept {
  os::ScopedLock guard(lock_);
  return count_;
}

void NamedHeaps::prepare_fork() noexcept {
  lock_.lock();
  for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next) heap->allocator().lock_all();
  first_.lock_all();
  store_.lock().lock();
}

void NamedHeaps::resume_parent() noexcept {
  store_.lock().unlock();
  first_.unlock_all();
  for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next) heap->allocator().unlock_all();
  lock_.unlock();
}

// What other threads had is parked, by the allocators themselves. Before the first allocator, so
// that all locks can be passed through yet.
void NamedHeaps::resume_child(const ThreadParts& survivor) noexcept {
  store_.lock().reset_in_child();
  for (NamedHeap* heap = heaps_; heap != nullptr; heap = heap->next) {
    heap->allocator().repair_child(survivor.at(heap->number()));
    heap->allocator().reset_locks();
  }
  for (ThreadParts* parts = all_parts(); parts != nullptr; parts = parts->next) {
    if (parts == &survivor || parts->is_free) continue;
    parts->clear();
    put_free(*parts);
  }
  lock_.reset_in_child();
  ending_.reset_in_child();
}

}  // namespace luna
