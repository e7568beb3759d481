// SPDX-License-Identifier: MIT
#include "heap/allocator.hpp"

#include "base/align.hpp"
#include "base/report.hpp"
#include "heap/block_lookup.hpp"
#include "heap/named_heaps.hpp"
#include "heap/pool_list.hpp"
#include "heap/thread_parts.hpp"

#include <cstring>
#include <new>

namespace luna {

void* Allocator::allocate(ThreadHeap& heap, std::size_t bytes) noexcept {
  if (bytes <= kMaxSmallBytes) return allocate_small(heap, bytes, size_class_of(bytes));
  return allocate_pages(heap, bytes, kPageBytes, false);
}

// The thread's list of the class is empty, or could not be seen, or was not looked at.
void* Allocator::allocate_small(ThreadHeap& heap, std::size_t bytes,
                                SizeClass size_class) noexcept {
  const SizeClass from = heap.lender(size_class);
  // realloc did not look, and goes by refill() nevertheless: a thread that does little else
  // has to come by from time to time to give back what it does not need.
  if (from == size_class && !heap.takes_samples()) return heap.refill(size_class);
  return allocate_of_class(heap, bytes, from, kMinBlockBytes);
}

void* Allocator::allocate_of_class(ThreadHeap& heap, std::size_t bytes, SizeClass size_class,
                                   std::size_t alignment) noexcept {
  void* block = heap.take_listed(size_class);
  if (block == nullptr && heap.sample_is_due(size_class)) [[unlikely]]
    block = allocate_sample(heap, bytes, size_class, alignment);
  return block != nullptr ? block : heap.refill(size_class);
}

void* Allocator::allocate_zeroed(ThreadHeap& heap, std::size_t bytes) noexcept {
  if (bytes > kMaxSmallBytes) return allocate_pages(heap, bytes, kPageBytes, true);
  void* block = heap.try_allocate(bytes);
  if (block == nullptr) block = allocate_small(heap, bytes, size_class_of(bytes));
  if (block == nullptr) return nullptr;
  std::memset(block, 0, guarded_.own(block) ? bytes : block_bytes(size_class_of(bytes)));
  return block;
}

void* Allocator::allocate_aligned(ThreadHeap& heap, std::size_t alignment,
                                  std::size_t bytes) noexcept {
  const std::size_t size_class = aligned_size_class(bytes, alignment);
  if (size_class == kSizeClasses) return allocate_pages(heap, bytes, alignment, false);
  return allocate_of_class(heap, bytes, static_cast<SizeClass>(size_class), alignment);
}

void* Allocator::allocate_pages(ThreadHeap& heap, std::size_t bytes, std::size_t alignment,
                                bool zero) noexcept {
  if (bytes > kMaxBlockBytes || alignment > kMaxBlockBytes) return nullptr;
  const std::size_t pages = bytes == 0 ? 1 : pages_for(bytes);
  const std::size_t alignment_pages = alignment > kPageBytes ? alignment / kPageBytes : 1;
  if (alignment_pages == 1 && is_listed(pages)) return allocate_run(heap, bytes, zero);
  heap.note_slow_allocation();
  void* memory = pages_.take(pages, alignment_pages, zero);
  if (memory != nullptr && heap.samples(pages * kPageBytes)) [[unlikely]]
    sample_pages(heap, memory, bytes, pages);
  return memory;
}

void* Allocator::allocate_run(ThreadHeap& heap, std::size_t bytes, bool zero) noexcept {
  const std::size_t pages = pages_for(bytes);
  const std::size_t list = list_of_run(pages);
  void* run = heap.take_listed(list);
  if (run == nullptr && heap.sample_is_due(list)) [[unlikely]] {
    run = pages_.take(pages, 1, zero);
    if (run != nullptr) sample_pages(heap, run, bytes, pages);
    return run;
  }
  if (run == nullptr) return heap.refill_run(pages, zero);
  if (zero) std::memset(run, 0, pages * kPageBytes);
  return run;
}

Verdict Allocator::deallocate(ThreadHeap* heap, void* pointer) noexcept {
  auto* slab = reinterpret_cast<Slab*>(window_.slot_of(pointer));
  if (slab == nullptr) return deallocate_guarded(pointer);
  if (slab->is_slab()) {
    const std::byte* memory = window_.memory_of(reinterpret_cast<const Slot*>(slab));
    const std::size_t index = index_of_block(*slab, memory, pointer);
    if (slab->named != is_named()) [[unlikely]] {
      if (heap != nullptr) heap->look_at_window();
      return Verdict::kOther;
    }
    const ThreadHeap* owner = owner_of(*slab);
    if (owner == nullptr && is_of_other(pointer)) [[unlikely]]
      return Verdict::kOther;
    if (samples_.own(*slab)) [[unlikely]]
      deallocate_sample(*slab, pointer, index);
    else if (owner == heap || heap == nullptr || owner == nullptr || owner->parked()) [[unlikely]]
      deallocate_small(heap, *slab, pointer, index);
    else
      heap->deallocate_remote(*slab, pointer, index);
    return Verdict::kDone;
  }
  Region* region = window_.region_of(pointer);
  if (region == nullptr) return deallocate_guarded(pointer);
  if (region->pages != &pages_ && region->state != RegionState::kReserved) return Verdict::kOther;
  deallocate_pages(heap, *slab, *region, pointer);
  return Verdict::kDone;
}

// Of a slab without an owner, that of another allocator may just have ended.
bool Allocator::is_of_other(const void* pointer) const noexcept {
  const Region* region = window_.region_of(pointer);
  return region == nullptr || region->pages != &pages_;
}

// Of a slab that is the heap's own, or nobody's, or a parked heap's.
void Allocator::deallocate_small(ThreadHeap* heap, Slab& slab, void* pointer,
                                 std::size_t index) noexcept {
  if (heap != nullptr) heap->look_at_window();
  auto* block = static_cast<Block*>(pointer);
  const ThreadHeap* owner = owner_of(slab);
  if (owner == heap && heap != nullptr) {
    if (block == slab.target->first) report::double_free(pointer);
    heap->deallocate_noticed(slab, block);
    return;
  }
  const bool adopted = heap != nullptr && owner != nullptr && heaps_.adopt(*heap, slab);
  // Freed as by another thread even then, so that a double free is seen.
  publish_freed_blocks(slab, index / 64, std::uint64_t{1} << index % 64);
  if (!adopted) return;
  heap->drain();
  heap->note_slow_free();
}

void Allocator::deallocate_pages(ThreadHeap* heap, Slab& slot, Region& region,
                                 void* pointer) noexcept {
  if (heap != nullptr) heap->look_at_window();
  const std::size_t pages = pages_of_block(region, pointer, Request::kFree);
  if (is_freed_run(slot, pointer) || pages_.is_recent(pointer)) report::double_free(pointer);
  if (samples_.own(slot)) [[unlikely]] {
    disown_run(window_, pointer);
    forget_sample(pointer);
  }
  if (heap == nullptr || !is_listed(pages) || !heap->keep_run(slot, pointer, pages)) {
    disown_run(window_, pointer);
    pages_.set_aside(pointer, pages);
  }
  if (heap != nullptr) heap->note_slow_free();
}

std::size_t Allocator::usable_bytes_of_pages(const void* pointer) const noexcept {
  const Region* region = window_.region_of(pointer);
  if (region == nullptr) return usable_bytes_of_guarded(pointer);
  const std::size_t pages = pages_of_block(*region, pointer, Request::kResize);
  if (region->pages->is_recent(pointer)) report::realloc_of_freed(pointer);
  return pages * kPageBytes;
}

void Allocator::publish_freed_blocks(Slab& slab, std::size_t word, std::uint64_t bits) noexcept {
  RemoteArea& area = remote_area(window_, &slab);
  const std::byte* memory = window_.memory_of(reinterpret_cast<const Slot*>(&slab));
  if (publish_freed(area, &slab, memory, word, bits)) push_to_owner(slab);
}

// Its owner's word is that of the thread heap, or of the one that this follows. A thread that
// ends has its slabs bear their own heap's name first, and then has no part any more: so who
// finds none looks again.
ThreadHeap* Allocator::owner_of_named(const Slab& slab) const noexcept {
  while (true) {
    ThreadHeap* owner = slab.owner_heap();
    if (owner == nullptr || &owner->allocator() == this) return owner;
    const ThreadParts* parts = owner->parts();
    ThreadHeap* part = parts != nullptr ? parts->at_of_other(number_) : nullptr;
    if (part != nullptr) return part;
  }
}

// Requires: the slab is listed, and it is the caller's to push. It may have been
// given back meanwhile, by an owner that saw its bits.
void Allocator::push_to_owner(Slab& slab) noexcept {
  RemoteArea& area = remote_area(window_, &slab);
  while (true) {
    if (ThreadHeap* owner = owner_of(slab); owner != nullptr) {
      owner->returned().push(area, &slab);
      return;
    }
    if (!unlist_orphan(area, &slab)) return;
  }
}

std::size_t Allocator::trim(ThreadHeap* heap, std::size_t keep_bytes) noexcept {
  trims_.fetch_add(1, std::memory_order_relaxed);
  if (PoolList* list = pools(); list != nullptr) list->trim(pages_);  // to be counted as free pages
  std::size_t purged = 0;
  if (heap != nullptr) purged += heap->trim(true);
  purged += heaps_.trim_parked(true) + samples_.trim(true);
  const std::size_t of_named = named() != nullptr ? named()->trim() : 0;
  return purged * kPageBytes + pages_.trim(keep_bytes) + of_named;
}

HeapUsage Allocator::usage() noexcept {
  HeapUsage result;
  result.pages = pages_.usage();
  result.thread_heaps = heaps_.count();
  const auto count = [&](const Slab& slab) noexcept {
    // Read while the owner goes on: a snapshot that may be off by what happens.
    const std::size_t now = slab.used();
    const std::size_t used = now < slab.info().capacity ? now : slab.info().capacity;
    const std::size_t bytes = slab.info().block_bytes;
    result.small_blocks += used;
    result.small_bytes += used * bytes;
    result.slab_free_bytes += kGranuleBytes - used * bytes;
  };
  pages_.for_each_region_in_turn(
      [](const std::byte*) noexcept {},
      [&](const Region& region) noexcept { for_each_slab_of(region, count); });
  return result;
}

// Each page of a sampled run, and each block of a slab of samples, is told of as if it was freed;
// of those that are none the observer knows nothing.
void Allocator::forget_samples() noexcept {
  if (samples_.thread_heap() == nullptr) return;
  const SampleObserver& observer = samples_.observer();
  const auto forget = [&](std::byte* memory) noexcept {
    static_cast<void>(observer.freed(observer.context, memory));
  };
  const auto visit = [&](const Region* region, std::size_t page) noexcept {
    std::byte* memory = region->memory + page * kPageBytes;
    const auto& slab = *reinterpret_cast<const Slab*>(window_.slot_of(memory));
    if (!samples_.own(slab)) return;
    if (!slab.is_slab()) return forget(memory);
    for (std::size_t i = 0; i < slab.fresh; ++i) forget(memory + i * slab.info().block_bytes);
  };
  pages_.for_each_huge([&](const Region& head) noexcept { visit(&head, 0); });
  pages_.for_each_region([&](Region* region) noexcept {
    if (region->state == RegionState::kSpanHead) return visit(region, 0);
    if (region->state != RegionState::kShared) return;
    for (std::size_t page = 0; page < kPagesPerRegion; ++page)
      if (region->run[page] != kNoRun && (region->run[page] & kSpanTail) == 0) visit(region, page);
  });
}

void Allocator::abandon(ArenaStore& store, Quota* quota, ThreadHeap* own) noexcept {
  // From now on no fast path frees to them; one that is at it already finds all that it touches
  // as it was, for what is gone rests.
  for_each_slab([](Slab& slab) noexcept { slab.owner.store(0, std::memory_order_relaxed); });
  pages_.abandon();
  ::new (&pages_) PageHeap(window_, store, quota);
  heaps_.abandon(own);
  samples_.abandon();
}

void Allocator::prepare_fork() noexcept {
  lock_all();
  os::Lock::begin_fork();
}

void Allocator::resume_parent() noexcept {
  os::Lock::end_fork();
  unlock_all();
}

void Allocator::resume_child(const ThreadHeap* survivor) noexcept {
  repair_child(survivor);  // passes through the locks held
  os::Lock::end_fork();
  reset_locks();
}

void Allocator::lock_all() noexcept {
  guarded_.lock().lock();
  samples_.lock().lock();
  heaps_.lock().lock();
  pages_.lock().lock();
}

void Allocator::unlock_all() noexcept {
  pages_.lock().unlock();
  heaps_.lock().unlock();
  samples_.lock().unlock();
  guarded_.lock().unlock();
}

void Allocator::repair_child(const ThreadHeap* survivor) noexcept {
  heaps_.repair_after_fork(*this, survivor);
  pages_.forget_work_after_fork();
}

void Allocator::reset_locks() noexcept {
  pages_.lock().reset_in_child();
  heaps_.lock().reset_in_child();
  samples_.lock().reset_in_child();
  guarded_.lock().reset_in_child();
}

}  // namespace luna
