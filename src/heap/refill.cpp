// SPDX-License-Identifier: MIT
// Where a thread's list is refilled from: touched memory first, fresh last.
#include "base/check.hpp"
#include "heap/allocator.hpp"
#include "heap/thread_heap.hpp"

namespace luna {

namespace {

// How many partial slabs are looked at for the fullest.
constexpr int kCandidates = 2;

// How many sleeping slabs are looked at before a class grows.
constexpr int kSleepersLookedAt = 8;

// A thread that took so many granules lately takes several at once.
constexpr std::uint32_t kManyGranules = 8;
constexpr std::size_t kGranulesAtOnce = 4;

// For each granule that lets the heap grow, so many slabs of idle classes lose their free
// pages.
constexpr std::size_t kSlabsPurgedPerGranule = 2;

// A class gets a slab of its own after so many blocks of the next few classes.
constexpr std::uint32_t kMaxBorrowed = 8;
constexpr std::size_t kLenders = 3;

}  // namespace

void* ThreadHeap::refill(SizeClass size_class) noexcept {
  note_slow_allocation();
  const bool again = used_since_beat_.test(size_class);
  list_was_wanted(size_class);
  if (void* block = take_listed(size_class); block != nullptr) return block;
  if (lists[size_class].first != nullptr) return take_freed(size_class);
  Slab* slab = classes_[size_class].current;
  if (slab == nullptr || !slab->has_free()) slab = find_slab(size_class);
  return slab != nullptr ? hand_out(size_class, *slab, again) : nullptr;
}

void* ThreadHeap::take_at_hand(SizeClass size_class) noexcept {
  if (void* block = take_listed(size_class); block != nullptr) return block;
  if (lists[size_class].first != nullptr) return take_freed(size_class);
  Slab* slab = classes_[size_class].current;
  if (slab == nullptr || (!slab->has_free() && !slab->has_room())) return nullptr;
  if (!slab->has_free()) carve(*slab, memory_of(*slab));
  return hand_out(size_class, *slab, false);
}

SizeClass ThreadHeap::lender(SizeClass size_class) noexcept {
  ClassSlabs& cold = classes_[size_class];
  if (cold.current != nullptr || cold.borrowed == kMaxBorrowed || has_listed(size_class))
    return size_class;
  for (std::size_t i = 1; i <= kLenders && size_class + i < kSizeClasses; ++i) {
    const auto lender = static_cast<SizeClass>(size_class + i);
    const Slab* slab = classes_[lender].current;
    if (slab == nullptr || (!has_listed(lender) && !slab->has_free())) continue;
    ++cold.borrowed;
    return lender;
  }
  return size_class;
}

// The slab to allocate from, made current, with a free list; or nullptr.
Slab* ThreadHeap::find_slab(SizeClass size_class) noexcept {
  ClassSlabs& slabs = classes_[size_class];
  if (!returned_.empty()) {
    drain();
    if (slabs.current != nullptr && slabs.current->has_free()) return slabs.current;
  }
  const bool current_has_room = slabs.current != nullptr && slabs.current->has_room();
  Slab* slab = best_partial(slabs);
  if (slab == nullptr && !current_has_room) slab = wake_one(slabs);
  // Not the heap of samples, which has no thread: all of its blocks are samples.
  if (slab == nullptr && !current_has_room && attached_)
    slab = allocator_.heaps().adopt_any(*this, size_class);
  if (slab != nullptr) {
    slabs.partial.remove(slab);
    make_current(slabs, slab);
  } else if (!current_has_room) {
    slab = new_slab(size_class);
    if (slab == nullptr) return nullptr;
    make_current(slabs, slab);
  }
  slab = slabs.current;
  if (!slab->has_free()) carve(*slab, memory_of(*slab));
  return slab;
}

// The fullest of the first few, so that sparse slabs may become empty; but one
// with hardly a block in its list only if there is no other, lest every other
// allocation come this way, or touch pages that were given back.
Slab* ThreadHeap::best_partial(ClassSlabs& slabs) noexcept {
  Slab* best = nullptr;
  bool best_is_worth = false;
  int seen = 0;
  for (Slab* at = slabs.partial.first(); at != nullptr && seen < kCandidates; at = at->next) {
    const std::size_t free = at->free_blocks();
    const bool worth = free >= at->blocks_to_wake();
    if (best == nullptr || worth > best_is_worth ||
        (worth == best_is_worth && at->used() > best->used())) {
      best = at;
      best_is_worth = worth;
    }
    ++seen;
  }
  return best;
}

// Before a class grows: of the next few of its sleeping slabs, in turn, the one
// with the most free blocks, if it has some. Else what sleeps would add up to an
// eighth of a large heap.
Slab* ThreadHeap::wake_one(ClassSlabs& slabs) noexcept {
  // What wakes at its first free block has none while it sleeps.
  if (slabs.asleep.empty() || slabs.asleep.first()->blocks_to_wake() == 1) return nullptr;
  Slab* best = nullptr;
  for (int i = 0; i < kSleepersLookedAt && !slabs.asleep.empty(); ++i) {
    Slab* at = slabs.asleep.first();
    slabs.asleep.remove(at);
    slabs.asleep.push_back(at);
    if (best == nullptr || at->free_blocks() > best->free_blocks()) best = at;
  }
  if (best == nullptr || best->free_blocks() <= best->blocks_to_wake() / 8) return nullptr;
  wake(slabs, *best);
  return best;
}

void ThreadHeap::make_current(ClassSlabs& slabs, Slab* slab) noexcept {
  if (Slab* last = slabs.current; last != nullptr) {
    if (last->has_room()) {
      last->state = SlabState::kPartial;
      slabs.partial.push_back(last);
    } else {
      put_to_sleep(slabs, *last);
    }
  }
  slab->state = SlabState::kCurrent;
  slabs.current = slab;
}

// From the page heap by a few at a time, once the thread has taken many.
GranuleCache::Granule ThreadHeap::take_granule() noexcept {
  GranuleCache::Granule granule = granules_.take();
  if (granule.memory != nullptr) return granule;
  const std::size_t wanted = granules_taken_ < kManyGranules ? 1 : kGranulesAtOnce;
  const GranulesTaken taken = allocator_.pages().take_granules(wanted);
  if (taken.memory == nullptr) return granule;
  granules_taken_ += static_cast<std::uint32_t>(taken.count);
  age_ += static_cast<std::uint32_t>(taken.count);
  if (taken.grows) purge_idle_classes(kSlabsPurgedPerGranule * taken.count);
  auto* memory = static_cast<std::byte*>(taken.memory);
  for (std::size_t i = taken.count; i-- > 1;)
    granules_.put({memory + i * kGranuleBytes, 0, taken.warm});
  return {memory, 0, taken.warm};
}

Slab* ThreadHeap::new_slab(SizeClass size_class) noexcept {
  const GranuleCache::Granule granule = take_granule();
  if (granule.memory == nullptr) return nullptr;
  look_at_window();
  auto* slab = reinterpret_cast<Slab*>(window_.slot_of(granule.memory));
  slab->named = allocator_.is_named();
  begin_slab(*slab, size_class, owner_word(), granule.warm);
  // What a slab before it wrote to here, the page heap was not told.
  slab->touched_before = static_cast<std::uint8_t>(granule.touched_pages);
  return slab;
}

// Moves the slab's free list to the thread's, and returns its first block. While samples are
// taken, those of a class that is wanted again and again are counted ahead; else, while blocks
// are counted, one by one: what was freed then goes out before what is fresh.
void* ThreadHeap::hand_out(SizeClass size_class, Slab& slab, bool again) noexcept {
  LUNA_DCHECK(slab.has_free() && slab.state == SlabState::kCurrent);
  classes_[size_class].used_at = age_;
  glance_at_free_list(slab, memory_of(slab));
  if (slab.kept) {
    slab.kept = false;
    kept_bytes_ -= slab.backed_bytes();
  }
  Block* block = slab.own.first;
  const std::uint32_t free = slab.free_blocks();
  const bool ahead = !apart_ || (again && meter.on());
  const std::uint32_t counted = allowance(size_class, ahead ? free : 1);
  const std::uint32_t count = ahead ? counted : free;
  slab.own.first = count == free ? nullptr : cut(block, count);
  slab.set_used(slab.carved - (free - count));
  count_refill(count);
  slab.target = &lists[size_class];
  (ahead ? supply() : lists.data())[size_class].first = block->next;
  list_was_filled(size_class, count - 1);
  // What is apart is not in the list.
  if (apart_ && ahead) lists[size_class].room = capacities_[size_class];
  return block;
}

}  // namespace luna
