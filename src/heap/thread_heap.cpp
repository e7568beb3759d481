// SPDX-License-Identifier: MIT
// What becomes of slabs whose blocks are freed; the other half is refill.cpp.
#include "heap/thread_heap.hpp"

#include "base/check.hpp"
#include "base/report.hpp"
#include "heap/allocator.hpp"
#include "heap/carving.hpp"
#include "os/clock.hpp"

namespace luna {

constinit ThreadCache no_cache;

namespace {

// Empty slabs that a heap keeps for its classes: beside its lists, what an idle
// thread may hold.
constexpr std::size_t kMaxKeptBytes = std::size_t{128} * 1024;

// One slab in so many has its whole list checked when it is released.
constexpr std::uint32_t kReleasesPerCheck = 32;
constexpr std::uint32_t kSharedReleasesPerCheck = 4;  // where other threads freed blocks

// Blocks of a list that are looked at when frees of other threads come in.
constexpr int kBlocksGlancedAt = 4;

// Slow paths between two looks at the clock.
constexpr std::uint32_t kCallsPerBeat = 16;

// Lists of classes that were not refilled for so long are given back. So often too the
// thread counts as that much older, in granules, and so many slabs of idle classes
// lose their free pages: about 10 MiB a second.
constexpr std::uint64_t kIdleMs = 100;
constexpr std::uint32_t kAgePerBeat = 8;
constexpr std::size_t kSlabsPurgedPerBeat = 32;

}  // namespace

ThreadHeap::ThreadHeap(Allocator& allocator) noexcept
    : allocator_(allocator), window_(allocator.window()), trims_(allocator.trims()) {
  identity = this;
  for (std::size_t i = 0; i < kLists; ++i) reset_room(i);
}

// To be called when a slab has more free blocks than before, its counts right.
void ThreadHeap::became_free(Slab& slab) noexcept {
  if (slab.state == SlabState::kAsleep) {
    if (slab.free_blocks() < slab.blocks_to_wake()) return slab.fall_asleep();
    wake(classes_[slab.size_class], slab);
  }
  if (slab.used() == 0) became_empty(slab);
}

void ThreadHeap::put_to_sleep(ClassSlabs& slabs, Slab& slab) noexcept {
  slab.state = SlabState::kAsleep;
  slab.fall_asleep();
  slabs.asleep.push_back(&slab);
}

void ThreadHeap::wake(ClassSlabs& slabs, Slab& slab) noexcept {
  slabs.asleep.remove(&slab);
  slab.set_used(slab.used());
  slab.state = SlabState::kPartial;
  slabs.partial.push_front(&slab);
}

// The current slab of a class is kept while there is room for it, so that a
// lone block allocated and freed in turn costs no trip to the page heap.
void ThreadHeap::became_empty(Slab& slab) noexcept {
  if (slab.state == SlabState::kCurrent && !slab.kept && may_keep(slab.backed_bytes())) {
    slab.kept = true;
    kept_bytes_ += slab.backed_bytes();
    return;
  }
  if (slab.kept) return;
  release(slab);
}

bool ThreadHeap::may_keep(std::size_t bytes) const noexcept {
  return kept_bytes_ + granules_.bytes() + bytes <= kMaxKeptBytes;
}

// Requires: no block of the slab is in use.
void ThreadHeap::release(Slab& slab) noexcept {
  std::byte* memory = memory_of(slab);
  // Walking the list of a slab that is cold costs a tenth of freeing its blocks, so
  // it is not done for all; but what is freed twice is often freed by two threads.
  const std::uint32_t period = slab.shared ? kSharedReleasesPerCheck : kReleasesPerCheck;
  if (releases_++ % period == 0)
    check_free_list(slab, memory);
  else
    glance_at_free_list(slab, memory);
  check_contents(slab, memory);
  ClassSlabs& slabs = classes_[slab.size_class];
  if (slab.state == SlabState::kCurrent) slabs.current = nullptr;
  if (slab.state == SlabState::kPartial) slabs.partial.remove(&slab);
  if (slab.kept) kept_bytes_ -= slab.backed_bytes();
  const std::size_t touched = slab.touched_pages();
  slab.kept = false;
  slab.state = SlabState::kNone;
  // seq_cst pairs with the load in unlist_orphan(). A slab of which nobody else freed a
  // block has no bits that could be lost, so the cheaper order will do.
  slab.owner.store(0, slab.shared ? std::memory_order_seq_cst : std::memory_order_release);
  if (!attached_) return allocator_.pages().put_granule(memory, touched);
  if (!may_keep(kGranuleBytes)) put_granules();
  if (!may_keep(kGranuleBytes)) return allocator_.pages().put_granule(memory, touched);
  granules_.put({memory, touched});
}

void ThreadHeap::put_granules() noexcept {
  if (granules_.bytes() != 0)
    allocator_.pages().put_granules([this]() noexcept { return granules_.take(); });
}

void ThreadHeap::beat_now() noexcept {
  calls_to_beat_ = kCallsPerBeat;
  if (!attached_) return;  // the heap of samples, for whose lock others wait
  if (const std::uint32_t trims = trims_.load(std::memory_order_relaxed); trims != trims_seen_) {
    trims_seen_ = trims;
    trim(false);
  }
  const std::uint64_t now = os::coarse_milliseconds();
  const std::uint64_t decay_ms = allocator_.config().decay_ms;
  allocator_.pages().tick(now, decay_ms);
  // It changed meanwhile, and the next tick may be planned by what it was.
  if (allocator_.config().decay_ms != decay_ms) [[unlikely]]
    allocator_.pages().look_again();
  watch(allocator_.pages().is_quiet());
  // Who is watched may come by seldom, and then counts each time, and fewer blocks between.
  const std::uint32_t blocks_before = blocks_per_look();
  looks_in_a_row_ = now == looked_ms_ ? looks_in_a_row_ + 1 : 0;
  looked_ms_ = now;
  const bool seldom = watching_ && blocks_per_look() == kFewBlocksPerLook;
  calls_to_beat_ = seldom ? 0 : kCallsPerBeat;
  if (seldom && blocks_before != kFewBlocksPerLook) redraw_all();
  if (now - last_beat_ms_ < kIdleMs) return;
  last_beat_ms_ = now;
  granules_taken_ = 0;
  age_ += kAgePerBeat;
  purge_idle_classes(kSlabsPurgedPerBeat);
  if (!recurred_) slow_frees_of_an_end_ = kSlowFreesOfAnEnd;
  recurred_ = false;
  publish_remote();
  drain();
  return_idle_lists();
}

void ThreadHeap::drain() noexcept {
  Slab* next = returned_.take_all();
  while (next != nullptr) {
    Slab& slab = *next;
    RemoteArea& area = remote_area(allocator_.window(), &slab);
    next = area.next;
    if (owns(slab)) {
      area.listed.exchange(0, std::memory_order_seq_cst);
      if (!slab.is_slab()) continue;  // a run lies there by now
      glance_at_list(slab, area);
      if (collect_freed(area, slab, memory_of(slab)) != 0) became_free(slab);
    } else {
      allocator_.push_to_owner(slab);  // it moved: passed on, still listed
    }
  }
}

// Among the blocks freed here last there may be one that was freed elsewhere too.
void ThreadHeap::glance_at_list(const Slab& slab, const RemoteArea& area) const noexcept {
  const std::byte* memory = memory_of(slab);
  const Block* block = lists[slab.size_class].first;
  for (int i = 0; i < kBlocksGlancedAt && block != nullptr; ++i, block = block->next) {
    const std::size_t offset = address_of(block) - address_of(memory);
    if (offset >= kGranuleBytes) continue;
    const std::size_t index = slab.index_of(offset);
    const std::uint64_t bits = area.freed[index / 64].load(std::memory_order_relaxed);
    if ((bits >> index % 64 & 1) != 0) report::double_free(block);
  }
}

void ThreadHeap::begin_remote_word(Slab& slab, std::size_t index) noexcept {
  RemoteCache::Entry& entry = remote_.entry_for(&slab, index / 64);
  if (entry.bits != 0) publish(entry);
  entry = {&slab, index / 64, std::uint64_t{1} << index % 64};
  if (remote_.hold(slab.info().block_bytes)) publish_remote();
  beat();
}

void ThreadHeap::publish_remote() noexcept {
  remote_.publish_all([this](RemoteCache::Entry& entry) noexcept { publish(entry); });
}

void ThreadHeap::publish(RemoteCache::Entry& entry) noexcept {
  allocator_.publish_freed_blocks(*entry.slab, entry.word, entry.bits);
}

std::size_t ThreadHeap::trim(bool purge) noexcept {
  publish_remote();
  drain();
  return_all_lists();
  std::size_t purged = 0;
  for (ClassSlabs& slabs : classes_) {
    Slab* current = slabs.current;
    if (current != nullptr && current->used() == 0) {
      release(*current);
    } else if (purge && current != nullptr) {
      purged += purge_slab(*current);
    }
    if (purge) purged += purge_slabs(slabs);
  }
  put_granules();
  return purged;
}

// Gives free pages of a slab back; returns their number.
std::size_t ThreadHeap::purge_slab(Slab& slab) noexcept {
  if (!slab.has_free()) return 0;
  std::byte* memory = memory_of(slab);
  const std::size_t pages =
      allocator_.pages().may_purge(memory) ? purge_free_pages(slab, memory) : 0;
  if (pages != 0) allocator_.pages().note_purge(pages);
  return pages;
}

// Of slabs that are not current. Returns the pages purged.
std::size_t ThreadHeap::purge_slabs(ClassSlabs& slabs) noexcept {
  std::size_t purged = 0;
  for (Slab* at = slabs.partial.first(); at != nullptr; at = at->next) purged += purge_slab(*at);
  for (Slab* at = slabs.asleep.first(); at != nullptr;) {
    Slab* next = at->next;
    const std::size_t pages = purge_slab(*at);
    if (pages != 0) wake(slabs, *at);  // it has room now, and what has room is not asleep
    purged += pages;
    at = next;
  }
  return purged;
}

void ThreadHeap::follow(ThreadHeap& heap) noexcept {
  if (followed_ == &heap) return;
  followed_ = &heap;
  // It stays the cache of its thread, if it is that, also when it follows nobody any more.
  if (follows()) identity = &heap;
  // Pairs with the acquire in owner_heap().
  const auto rename = [this](Slab& slab) noexcept {
    slab.owner.store(owner_word(), std::memory_order_release);
  };
  for (ClassSlabs& slabs : classes_) {
    if (slabs.current != nullptr) rename(*slabs.current);
    for (Slab* at = slabs.partial.first(); at != nullptr; at = at->next) rename(*at);
    for (Slab* at = slabs.asleep.first(); at != nullptr; at = at->next) rename(*at);
  }
}

void ThreadHeap::attach() noexcept {
  attached_ = true;
  note_thread();
  slow_frees_of_an_end_ = kSlowFreesOfAnEnd;
  look_at_samples();
  aim();
  look_at_window();
}

void ThreadHeap::detach() noexcept {
  watch(false);
  trim(false);
  attached_ = false;
  identity = this;
  thread_.store(0, std::memory_order_relaxed);
}

// Its free blocks come with it. Those that other threads freed and did not yet
// publish, or that wait on the parked heap's stack, are passed on.
void ThreadHeap::adopt(ThreadHeap& parked, Slab& slab) noexcept {
  ClassSlabs& theirs = parked.classes_[slab.size_class];
  if (slab.state == SlabState::kCurrent) theirs.current = nullptr;
  if (slab.state == SlabState::kPartial) theirs.partial.remove(&slab);
  if (slab.state == SlabState::kAsleep) theirs.asleep.remove(&slab);
  if (slab.kept) parked.kept_bytes_ -= slab.backed_bytes();
  slab.kept = false;
  slab.target = &slab.own;
  ClassSlabs& ours = classes_[slab.size_class];
  if (slab.has_free() || slab.has_room()) {
    slab.set_used(slab.used());
    slab.state = SlabState::kPartial;
    ours.partial.push_front(&slab);
  } else {
    put_to_sleep(ours, slab);
  }
  slab.owner.store(owner_word(), std::memory_order_seq_cst);
}

Slab* ThreadHeap::slab_with_room(SizeClass size_class) noexcept {
  if (!returned_.empty()) drain();
  ClassSlabs& slabs = classes_[size_class];
  Slab* current = slabs.current;
  if (current != nullptr && (current->has_free() || current->has_room())) return current;
  return best_partial(slabs);
}

std::uint64_t ThreadHeap::classes_with_room() noexcept {
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < kSizeClasses; ++i)
    if (slab_with_room(static_cast<SizeClass>(i)) != nullptr) result |= std::uint64_t{1} << i;
  return result;
}

// Blocks in the lists of a thread that is gone cannot be told from blocks in
// use, so they stay out of use; see docs/adr/0005.
void ThreadHeap::forget_after_fork() noexcept {
  lost_after_fork = true;
  left = false;
  attached_ = false;
  identity = followed_ = this;
  thread_.store(0, std::memory_order_relaxed);
  observed_ = elsewhere_ = false;
  for (std::size_t i = 0; i < kLists; ++i) {
    lists[i].first = apart(i).first = nullptr;
    reset_room(i);
  }
  watch(false);
  classes_.fill({});
  kept_bytes_ = 0;
  granules_.forget();
  remote_.forget();
  static_cast<void>(returned_.take_all());
}

void ThreadHeap::adopt_after_fork(Slab& slab) noexcept {
  slab.own.first = nullptr;
  slab.target = &slab.own;
  slab.fresh = slab.info().capacity;
  slab.purged_pages = 0;
  slab.carved = slab.fresh;
  slab.set_used(slab.carved);
  slab.kept = false;
  slab.previous = slab.next = nullptr;
  put_to_sleep(classes_[slab.size_class], slab);
  slab.owner.store(owner_word(), std::memory_order_relaxed);
  RemoteArea& area = remote_area(allocator_.window(), &slab);
  if (allocator_.is_closed()) {
    if (!has_freed(area)) return;
    area.listed.store(1, std::memory_order_relaxed);
    returned_.push(area, &slab);
  } else if (collect_freed(area, slab, memory_of(slab)) != 0) {
    became_free(slab);
  }
}

std::size_t ThreadHeap::listed_blocks(SizeClass size_class) const noexcept {
  std::size_t count = 0;
  for (const Block* block = lists[size_class].first; block != nullptr; block = block->next) ++count;
  return count;
}

void ThreadHeap::verify() const noexcept {
  for (std::size_t i = 0; i < kSizeClasses; ++i) {
    const auto size_class = static_cast<SizeClass>(i);
    verify_list(size_class);
    const ClassSlabs& slabs = classes_[i];
    if (slabs.current != nullptr) verify_slab(*slabs.current, size_class, SlabState::kCurrent);
    for (const Slab* at = slabs.partial.first(); at != nullptr; at = at->next)
      verify_slab(*at, size_class, SlabState::kPartial);
    for (const Slab* at = slabs.asleep.first(); at != nullptr; at = at->next) {
      verify_slab(*at, size_class, SlabState::kAsleep);
      LUNA_CHECK(at->free_blocks() < at->blocks_to_wake());
    }
  }
}

void ThreadHeap::verify_list(SizeClass size_class) const noexcept {
  std::uint32_t count = 0;
  for (const Block* block = lists[size_class].first; block != nullptr; block = block->next) {
    LUNA_CHECK(slab_of_listed(size_class, block)->used() > 0);
    ++count;
  }
  LUNA_CHECK(count + lists[size_class].room == capacities_[size_class]);
  LUNA_CHECK(lists[size_class].room > 0);
}

void ThreadHeap::verify_slab(const Slab& slab, SizeClass size_class,
                             SlabState state) const noexcept {
  LUNA_CHECK(owns(slab) && slab.size_class == size_class && slab.state == state);
  LUNA_CHECK(slab.target == &slab.own || slab.target == &lists[size_class]);
  check_free_list(slab, memory_of(slab));
}

}  // namespace luna
