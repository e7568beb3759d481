// SPDX-License-Identifier: MIT
// The lists of a thread, one for each class: the block freed last is handed out
// first, for it is the likeliest to be in the processor's caches.
#include "base/report.hpp"
#include "heap/allocator.hpp"
#include "heap/block_lookup.hpp"
#include "heap/thread_heap.hpp"

namespace luna {

namespace {

constexpr std::uint32_t kMaxSlowFreesOfAnEnd = 4096;

// To give a list back it has to be walked; so many blocks may be walked for
// each free on the slow path.
constexpr std::size_t kBlocksWalkedPerFree = 4;

}  // namespace

void ThreadHeap::note_slow_allocation() noexcept {
  slow_frees_in_a_row_ = 0;
  if (returned_all_) note_recurrence();
  beat();
}

// To be called when a thread that seemed to have come to an end goes on.
void ThreadHeap::note_recurrence() noexcept {
  returned_all_ = false;
  recurred_ = true;
  if (slow_frees_of_an_end_ < kMaxSlowFreesOfAnEnd) slow_frees_of_an_end_ *= 2;
}

// When a list is full, the slab keeps what is freed of it from now on, until the
// list has room again: so a batch that no list can hold costs a slow free or two
// for each slab.
void ThreadHeap::deallocate_noticed(Slab& slab, Block* block) noexcept {
  FreeList& list = lists[slab.size_class];
  FreeList* target = slab.target;
  if (target->room != 0) --target->room;  // the cache did not see the slab's region yet
  if (target == &slab.own) {
    if (2 * list.room > capacities_[slab.size_class]) slab.target = &list;
  } else if (list.room == 0) {
    list.room = 1;
    slab.target = target = &slab.own;
    --slab.own.room;
    overflowed_.set(slab.size_class);
  }
  block->next = target->first;
  target->first = block;
  if (slab.own.room == 0) became_free(slab);
  note_slow_free();
}

// A thread that frees and frees and asks for nothing is giving up all it has:
// then its lists must not pin their slabs while it sleeps.
void ThreadHeap::note_slow_free() noexcept {
  if (!attached_) return;  // the heap of samples, at whose ends nobody is
  ++slow_frees_in_a_row_;
  if (slow_frees_to_an_end_ != 0) {
    --slow_frees_to_an_end_;
  } else if (slow_frees_in_a_row_ >= slow_frees_of_an_end_) {
    slow_frees_to_an_end_ = kSlowFreesOfAnEnd + return_all_lists() / kBlocksWalkedPerFree;
    returned_all_ = true;
    allocator_.pages().expect_quiet();
    calls_to_beat_ = 0;
  }
  beat();
}

// To be called when a list was empty and got `count` blocks. There is room for the
// one that was handed out at the same time to come back.
void ThreadHeap::list_was_filled(std::size_t list, std::uint32_t count) noexcept {
  const std::uint32_t limit = limits_.of(list);
  const std::uint32_t capacity = limit > count + 2 ? limit : count + 2;
  capacities_[list] = static_cast<std::uint16_t>(capacity);
  lists[list].room = capacity - count;
}

// To be called when the thread comes by for a block of a list. If that is empty: what it once
// could not hold, it shall.
void ThreadHeap::list_was_wanted(std::size_t list) noexcept {
  used_since_beat_.set(list);
  if (!overflowed_.test(list) || lists[list].first != nullptr) return;
  overflowed_.clear(list);
  limits_.raise(list, allocator_.config().thread_cache_bytes);
}

// Gives blocks of a list back to their slabs; returns their number.
std::size_t ThreadHeap::return_blocks(SizeClass size_class, Block* first) noexcept {
  std::size_t total = 0;
  while (first != nullptr) {
    Slab& slab = *slab_of_listed(size_class, first);
    const std::byte* memory = memory_of(slab);
    // Blocks freed one after the other are often of one slab.
    Block* last = first;
    std::uint32_t count = 1;
    while (count <= slab.used() && last->next != nullptr &&
           (address_of(last->next) ^ address_of(first)) < kGranuleBytes) {
      last = last->next;
      static_cast<void>(index_of_block(slab, memory, last));
      ++count;
    }
    total += count;
    if (count > slab.used()) [[unlikely]]
      report::double_free(first);
    Block* next = last->next;
    last->next = slab.own.first;
    slab.own.first = first;
    slab.set_used(slab.used() - count);
    became_free(slab);
    first = next;
  }
  return total;
}

// The slab of a block that is in a list; a program that writes to freed blocks may
// have made it anything.
Slab* ThreadHeap::slab_of_listed(SizeClass size_class, const Block* block,
                                 const Block* holder) const noexcept {
  auto* slab = reinterpret_cast<Slab*>(window_.slot_of(block));
  if (slab == nullptr || !owns(*slab) || slab->size_class != size_class) [[unlikely]]
    report::corrupt_free_list(nullptr, block, holder);
  static_cast<void>(index_of_block(*slab, memory_of(*slab), block));
  return slab;
}

void ThreadHeap::check_next(SizeClass size_class, const Block* taken) const noexcept {
  const Block* next = lists[size_class].first;
  if (next != nullptr) static_cast<void>(slab_of_listed(size_class, next, taken));
}

// A block that is in its list twice makes a circle of it, which has no end where the
// counts say.
void ThreadHeap::check_length(std::size_t list) const noexcept {
  const auto strays = [&](const Block* block, const Block* from) noexcept {
    return (address_of(block) ^ address_of(from)) >= kGranuleBytes &&
           window_.slot_of(block) == nullptr;
  };
  const Block* block = lists[list].first;
  const Block* holder = nullptr;
  for (std::uint32_t i = listed(list); i != 0; --i) {
    if (block == nullptr || strays(block, holder)) [[unlikely]]
      report::corrupt_free_list(nullptr, block, holder);
    holder = block;
    block = block->next;
  }
  if (block != nullptr) [[unlikely]]
    report::double_free(block);
}

// Returns the number of blocks.
std::size_t ThreadHeap::return_list(std::size_t list) noexcept {
  const auto give_back = [&](Block* first) noexcept {
    return list < kSizeClasses ? return_blocks(static_cast<SizeClass>(list), first)
                               : return_runs(first);
  };
  check_length(list);
  Block* freed = lists[list].first;
  lists[list].first = nullptr;
  reset_room(list);
  const std::size_t count = give_back(freed);
  // What is left was counted, and did not reach the program; that nothing is left may itself say
  // that the sample is near. So the number is drawn anew in any case, or it would depend on it.
  if (apart_) redraw(list);
  Block* handed_out_next = apart(list).first;
  if (handed_out_next == nullptr) return count;
  apart(list).first = nullptr;
  return count + give_back(handed_out_next);
}

// To be called when a list is empty: it takes in what it may, and no more.
void ThreadHeap::reset_room(std::size_t list) noexcept {
  capacities_[list] = static_cast<std::uint16_t>(limits_.of(list));
  lists[list].room = limits_.of(list);
}

// While free pages wait to be given back, somebody must come by to do it; but a
// thread that allocates and frees in turn never leaves the fast path. So what it is
// handed is counted then, and the count runs out.
void ThreadHeap::watch(bool on) noexcept {
  if (on && !watching_) redraw_all();
  watching_ = on;
  set_apart(watching_ || meter.on());
}

void ThreadHeap::set_apart(bool apart) noexcept {
  if (apart_ == apart) return;
  if (apart_)
    for (std::size_t i = 0; i < kLists; ++i) return_list(i);
  apart_ = apart;
  aim();
}

// Of a list whose count has run out, but no sample is taken: the block freed last. What would
// have been a sample, were it not for an observer, is none; so the next one is drawn anew.
void* ThreadHeap::take_freed(std::size_t list) noexcept {
  apart(list).beyond = meter.on() ? 0 : blocks_per_look();
  if (watching_) calls_to_beat_ = 0;
  return pop(lists[list]);
}

void ThreadHeap::return_idle_lists() noexcept {
  for (std::size_t i = 0; i < kLists; ++i) {
    if (used_since_beat_.test(i)) continue;
    limits_.reset(i);
    return_list(i);
  }
  used_since_beat_ = {};
}

// Returns the number of blocks.
std::size_t ThreadHeap::return_all_lists() noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kLists; ++i) count += return_list(i);
  return count;
}

}  // namespace luna
