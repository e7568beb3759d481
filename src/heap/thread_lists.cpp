// SPDX-License-Identifier: MIT
// The lists of a thread's cache: what the thread frees goes there first, and from
// there to its slab when it is too much, or too long unused.
#include "base/report.hpp"
#include "heap/allocator.hpp"
#include "heap/thread_heap.hpp"

namespace luna {

namespace {

// So many frees on the slow path with no refill between are taken for the end of
// what the thread was doing.
constexpr std::uint32_t kSlowFreesOfAnEnd = 16;

// To give a list back it has to be walked; so many blocks may be walked for
// each free on the slow path.
constexpr std::size_t kBlocksWalkedPerFree = 4;

}  // namespace

void ThreadHeap::deallocate_noticed(SizeClass size_class, Block* block) noexcept {
  Block*& list = list_of(size_class);
  block->next = list;
  list = block;
  if (cache_->room[size_class] != 0) return;  // a new region was out of the cache's sight
  make_room(size_class);
  note_slow_free();
}

// A thread that frees and frees and asks for nothing is giving up all it has:
// then its lists must not pin their slabs while it sleeps.
void ThreadHeap::note_slow_free() noexcept {
  ++slow_frees_in_a_row_;
  if (slow_frees_to_an_end_ != 0) {
    --slow_frees_to_an_end_;
  } else if (slow_frees_in_a_row_ >= kSlowFreesOfAnEnd) {
    slow_frees_to_an_end_ = kSlowFreesOfAnEnd + return_all_lists() / kBlocksWalkedPerFree;
  }
  beat();
}

// The list is as long as it may be: lets it be longer, or returns blocks. Those
// freed last go, for they are at hand, and to find the others would cost a walk.
void ThreadHeap::make_room(SizeClass size_class) noexcept {
  used_since_beat_ |= std::uint64_t{1} << size_class;
  const std::uint32_t length = capacities_[size_class];
  limits_.raise(size_class);
  const std::uint32_t limit = limits_.of(size_class);
  const std::uint32_t kept = length < limit ? length : limit / 2;
  if (kept < length) {
    Block* first = list_of(size_class);
    Block* last = first;
    for (std::uint32_t i = kept + 1; i < length; ++i) last = last->next;
    list_of(size_class) = last->next;
    last->next = nullptr;
    return_blocks(size_class, first);
  }
  capacities_[size_class] = static_cast<std::uint16_t>(limit);
  cache_->room[size_class] = static_cast<std::uint16_t>(limit - kept);
}

// To be called when a list was empty and got `count` blocks.
void ThreadHeap::list_was_filled(SizeClass size_class, std::uint32_t count) noexcept {
  capacities_[size_class] = static_cast<std::uint16_t>(limits_.of(size_class));
  cache_->room[size_class] = static_cast<std::uint16_t>(limits_.of(size_class) - count);
}

// Returns the number of blocks.
std::size_t ThreadHeap::return_blocks(SizeClass size_class, Block* first) noexcept {
  std::size_t total = 0;
  while (first != nullptr) {
    Slab* slab = slab_of_listed(size_class, first);
    // Blocks freed one after the other are often of one slab.
    Block* last = first;
    std::uint32_t count = 1;
    while (count <= slab->used && last->next != nullptr &&
           (address_of(last->next) ^ address_of(first)) < kGranuleBytes) {
      last = last->next;
      ++count;
    }
    if (count > slab->used) [[unlikely]]
      report::double_free(first);
    Block* next = last->next;
    last->next = slab->free;
    slab->free = first;
    slab->used -= count;
    became_free(*slab);
    first = next;
    total += count;
  }
  return total;
}

// The slab of a block that is in a list; a program that writes to freed blocks may
// have made it anything.
Slab* ThreadHeap::slab_of_listed(SizeClass size_class, const Block* block) const noexcept {
  auto* slab = reinterpret_cast<Slab*>(window_.slot_of(block));
  if (slab == nullptr || slab->heap() != this || slab->size_class != size_class) [[unlikely]]
    report::corrupt_free_list(nullptr, block);
  return slab;
}

// Gives the blocks of the thread's list back to their slabs; returns their number.
std::size_t ThreadHeap::return_list(SizeClass size_class) noexcept {
  Block* first = list_of(size_class);
  list_of(size_class) = nullptr;
  list_was_filled(size_class, 0);
  return return_blocks(size_class, first);
}

void ThreadHeap::return_idle_lists() noexcept {
  const std::uint64_t busy = used_since_beat_;
  used_since_beat_ = 0;
  for (std::size_t i = 0; i < kSizeClasses; ++i) {
    if ((busy >> i & 1) != 0) continue;
    const auto size_class = static_cast<SizeClass>(i);
    limits_.reset(size_class);
    return_list(size_class);
  }
}

// Returns the number of blocks.
std::size_t ThreadHeap::return_all_lists() noexcept {
  if (cache_ == nullptr) return 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kSizeClasses; ++i) count += return_list(static_cast<SizeClass>(i));
  return count;
}

}  // namespace luna
