// SPDX-License-Identifier: MIT
// How samples are taken at no cost for what is not: malloc finds no list to take from and
// comes to a path that counts. docs/adr/0016 has the law and its reasons.
#include "base/report.hpp"
#include "heap/allocator.hpp"
#include "heap/block_lookup.hpp"
#include "heap/named_heaps.hpp"
#include "heap/thread_heap.hpp"

namespace luna {

// Whoever changed what is sampled made this thread come by.
void ThreadHeap::notice_interrupt() noexcept {
  // pairs with the fence in interrupt(): what was changed before is seen
  std::atomic_thread_fence(std::memory_order_acquire);
  look_at_samples();
  aim();
}

// Lets the fast path take from the supply. That may undo an interruption of this moment; but
// who interrupts has changed the epoch before, so one more look at it misses none.
void ThreadHeap::aim() noexcept {
  if (elsewhere_) return;
  take_from(supply());
  // pairs with the fence in interrupt_all(): if his pointers came first, the epoch is new
  std::atomic_thread_fence(std::memory_order_seq_cst);
  look_at_samples();
}

void ThreadHeap::look_at_samples() noexcept {
  Samples& samples = allocator_.samples();
  const std::uint32_t epoch = samples.epoch();
  if (epoch == sampling_epoch_) return;
  sampling_epoch_ = epoch;
  // What was handed out apart is counted no more, so it must not be handed out.
  set_apart(false);
  for (std::size_t i = 0; i < kLists; ++i) return_list(i);
  meter.set(samples.interval(), samples.next_seed());
  redraw_all();
  set_apart(watching_ || meter.on());
}

// How many blocks of a list, of those at hand, may go where the program takes them from: those
// up to the next sample, which are counted. At least one: if none may, the sample could not be
// taken.
std::uint32_t ThreadHeap::allowance(std::size_t list, std::uint32_t blocks) noexcept {
  if (!meter.on()) return blocks;
  std::uint32_t allowed = 0;
  while (allowed < blocks && !observed_) {
    const std::uint32_t before = before_sample(list);
    if (before == 0) break;
    const std::uint32_t more = blocks - allowed < before ? blocks - allowed : before;
    apart(list).beyond -= more;
    allowed += more;
  }
  if (allowed != 0) return allowed;
  redraw(list);
  return 1;
}

// A thread that is watched counts no further than to its next look; how many go from there is
// drawn then, for the law remembers nothing.
void ThreadHeap::draw(std::size_t list) noexcept {
  if (apart(list).beyond != 0) calls_to_beat_ = 0;  // it came to the look
  std::uint32_t until = meter.draw_blocks(listed_bytes(list)) + 1;
  looks_.clear(list);
  if (watching_ && until >= blocks_per_look()) {
    until = blocks_per_look();
    looks_.set(list);
  }
  apart(list).beyond = until;
}

// Ends a list after `count` blocks; returns the rest. A program that writes to freed
// blocks may have made their links anything.
Block* ThreadHeap::cut(Block* first, std::uint32_t count) const noexcept {
  for (; count > 1; --count) {
    const Block* holder = first;
    first = first->next;
    if (window_.slot_of(first) == nullptr) [[unlikely]]
      report::corrupt_free_list(nullptr, first, holder);
  }
  Block* rest = first->next;
  first->next = nullptr;
  return rest;
}

bool Allocator::begin_sampling(const SampleObserver& observer) noexcept {
  return samples_.begin(*this, observer);
}

void Allocator::set_sampling_interval(std::uint64_t interval, std::uint64_t seed) noexcept {
  samples_.set_interval(interval, seed);
  heaps_.interrupt_all();
  if (NamedHeaps* heaps = named(); heaps != nullptr) heaps->follow();
}

// Requires: a sample is due. nullptr: there is none after all.
void* Allocator::allocate_sample(ThreadHeap& heap, std::size_t bytes, SizeClass size_class,
                                 std::size_t alignment) noexcept {
  GuardedBlock* guarded =
      guarded_.is_due(bytes, alignment) ? take_guarded(bytes, size_class, alignment) : nullptr;
  void* block = guarded != nullptr ? guarded->memory : samples_.take(size_class);
  if (block == nullptr) return nullptr;
  const bool kept =
      tell(heap, {block, asked(bytes), block_bytes(size_class), heap.sampling_interval()});
  if (guarded != nullptr) {
    kept ? guarded_.publish(*guarded) : guarded_.discard(*guarded);
  } else if (!kept) {
    samples_.put(*reinterpret_cast<Slab*>(window_.slot_of(block)), block);
  }
  return kept ? block : nullptr;
}

// Makes a block of whole pages a sample.
void Allocator::sample_pages(ThreadHeap& heap, void* memory, std::size_t bytes,
                             std::size_t pages) noexcept {
  if (tell(heap, {memory, asked(bytes), pages * kPageBytes, heap.sampling_interval()}))
    samples_.own_run(*reinterpret_cast<Slab*>(window_.slot_of(memory)));
}

// A block that has grown where it lies, or with its pages, is sampled as if what it gained had
// been handed out alone; together with what was drawn before, that is the law for its new size.
void Allocator::sample_growth(ThreadHeap& heap, void* memory, std::size_t old_bytes,
                              std::size_t bytes) noexcept {
  const std::size_t now_bytes = usable_bytes(memory);
  if (now_bytes > old_bytes && heap.samples(now_bytes - old_bytes)) [[unlikely]]
    sample_pages(heap, memory, bytes, now_bytes / kPageBytes);
}

bool Allocator::tell(ThreadHeap& heap, const SampledBlock& block) noexcept {
  const SampleObserver& observer = samples_.observer();
  heap.note_slow_allocation();
  return heap.observe([&]() noexcept { return observer.allocated(observer.context, block); });
}

void Allocator::deallocate_sample(Slab& slab, void* pointer, std::size_t index) noexcept {
  forget_sample(pointer);
  if (closed_) return publish_freed_blocks(slab, index / 64, std::uint64_t{1} << index % 64);
  samples_.put(slab, pointer);
}

void Allocator::forget_sample(void* pointer) noexcept {
  const SampleObserver& observer = samples_.observer();
  if (!observer.freed(observer.context, pointer)) report::double_free(pointer);
}

void Allocator::note_resized_sample(void* memory, std::size_t bytes) noexcept {
  const SampleObserver& observer = samples_.observer();
  // Only runs and spans become smaller, so there is no slab to take it out of.
  if (!observer.resized(observer.context,
                        {memory, asked(bytes), usable_bytes(memory), samples_.interval()}))
    disown_run(window_, memory);
}

// The old address may be another block's before this returns, so the sample is known by an
// address that no block has until it has arrived.
void* Allocator::resize_sample(void* pointer, std::size_t bytes) noexcept {
  const SampleObserver& observer = samples_.observer();
  void* on_its_way = static_cast<std::byte*>(pointer) + 1;
  observer.moved(observer.context, pointer, on_its_way);
  disown_run(window_, pointer);
  void* memory = resize_pages(pointer, bytes);
  void* arrived = memory != nullptr ? memory : pointer;
  samples_.own_run(*reinterpret_cast<Slab*>(window_.slot_of(arrived)));
  observer.moved(observer.context, on_its_way, arrived);
  if (memory != nullptr) note_resized_sample(memory, bytes);
  return memory;
}

}  // namespace luna
