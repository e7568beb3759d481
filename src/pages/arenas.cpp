// SPDX-License-Identifier: MIT
// Where regions come from: arenas of reserved address space, in which free
// regions are found in a bitmap. docs/adr/0002 says why this is no buddy.
#include "base/check.hpp"
#include "os/clock.hpp"
#include "os/memory.hpp"
#include "pages/page_heap.hpp"

#include <new>

namespace luna {

namespace {

// The first arena is small, so that a small program shows a small VSZ and lives
// under `ulimit -v`; each further one is twice the size of the last.
constexpr std::size_t kFirstArenaRegions = 32;
constexpr std::size_t kFirstArenaRegionsOfMany = 4;  // of a page heap that is one of several

constexpr std::size_t kNowhere = RegionSet::kNone;

// Of `count` free regions in a row, those of which the most are dirty; kNowhere: none is.
[[nodiscard]] std::size_t dirtiest_run(const RegionSet& free, const RegionSet& dirty,
                                       std::size_t count) noexcept {
  std::size_t best = kNowhere;
  std::size_t most = 0;
  for (std::size_t at = free.find_run(count); at != kNowhere;
       at = free.find_run(count, 1, at + 1)) {
    const std::size_t here = dirty.count(at, count);
    if (here <= most) continue;
    most = here;
    best = at;
  }
  return best;
}

// Renews what was moved, so that the arena is one mapping again for those who have it next.
void renew_moved_spans(Arena& arena, Window& window) noexcept {
  for (std::size_t at = arena.free.find_clear(0); at < arena.regions;
       at = arena.free.find_clear(at + 1)) {
    Region* region = arena.region(at);
    if (region->state != RegionState::kSpanHead || !region->moved) continue;
    static_cast<void>(os::renew(region->memory, region->span_pages * kPageBytes));
    window.forget_moved_span();
  }
}

}  // namespace

// Regions in a row, committed, with every page free and none in a list; their
// state is left kReserved for the caller to change.
Region* PageHeap::take_regions(std::size_t count, std::size_t alignment) noexcept {
  const std::size_t wanted = count + alignment - 1;
  LUNA_DCHECK(count != 0 && wanted <= kMaxArenaRegions);
  Arena* arena = arenas_;
  std::size_t at = kNowhere;
  for (; arena != nullptr; arena = arena->next) {
    at = find_regions(*arena, wanted);
    if (at != kNowhere) break;
  }
  if (arena == nullptr) {
    arena = create_arena(wanted);
    if (arena == nullptr) return nullptr;
    at = find_regions(*arena, wanted);
  }
  const std::size_t number = address_of(arena->memory) / kRegionBytes + at;
  at += round_up(number, alignment) - number;
  if (!commit_regions(arena, at, count)) return nullptr;
  arena->free.clear_range(at, count);
  return arena->region(at);
}

bool PageHeap::has_dirty_region() const noexcept {
  for (const Arena* arena = arenas_; arena != nullptr; arena = arena->next)
    if (!(arena->free & arena->dirty).none()) return true;
  return false;
}

// One of those that are committed and free as a whole.
Region* PageHeap::take_free_region(Arena* arena, std::size_t at) noexcept {
  arena->free.clear(at);
  Region* region = arena->region(at);
  try_huge_page(region);
  return region;
}

// Touched memory first, as much of it as there is in a row; then what is committed already.
std::size_t PageHeap::find_regions(const Arena& arena, std::size_t count) const noexcept {
  if (placement_ == Placement::kLowAddress) return arena.free.find_run(count);
  const RegionSet dirty = arena.free & arena.dirty;
  std::size_t at = dirty.find_run(count);
  if (at == kNowhere && count > 1 && !dirty.none()) at = dirtiest_run(arena.free, dirty, count);
  if (at == kNowhere) at = (arena.free & arena.committed).find_run(count);
  if (at == kNowhere) at = arena.free.find_run(count);
  return at;
}

// Metadata of a region is first touched here, so that what a program never
// uses costs it nothing.
bool PageHeap::commit_regions(Arena* arena, std::size_t first, std::size_t count) noexcept {
  if (arena->committed.all(first, count)) return true;
  if (huge_.hugetlb == Hugetlb::k2MiB) commit_pool_regions(arena, first, count);
  if (!os::commit(arena->memory + first * kRegionBytes, count * kRegionBytes)) return false;
  for (std::size_t i = first; i < first + count; ++i)
    if (!arena->committed.test(i)) begin_region(arena, i, false);
  return true;
}

void PageHeap::begin_region(Arena* arena, std::size_t at, bool hugetlb) noexcept {
  Region* region = arena->region(at);
  region->memory = arena->memory + at * kRegionBytes;
  region->arena = arena;
  region->pages = this;
  region->index = static_cast<std::uint32_t>(at);
  region->free.set_range(0, kPagesPerRegion);
  region->free_granules = kAllGranules;
  region->hugetlb = hugetlb;
  arena->committed.set_range(at, 1);
}

// As many as the pool has.
void PageHeap::commit_pool_regions(Arena* arena, std::size_t first, std::size_t count) noexcept {
  for (std::size_t i = first; i < first + count; ++i) {
    if (arena->committed.test(i)) continue;
    if (!os::commit_from_pool(arena->memory + i * kRegionBytes, kRegionBytes, kRegionBytes))
      return note_empty_pool();
    arena->hugetlb = true;
    begin_region(arena, i, true);
  }
}

// Requires: nobody knows of the arena yet.
void PageHeap::commit_pool_arena(Arena* arena) noexcept {
  const std::size_t bytes = kMaxArenaRegions * kRegionBytes;
  if (arena->regions != kMaxArenaRegions || address_of(arena->memory) % bytes != 0) return;
  if (!os::commit_from_pool(arena->memory, bytes, bytes)) return note_empty_pool();
  arena->hugetlb = true;
  for (std::size_t i = 0; i < kMaxArenaRegions; ++i) begin_region(arena, i, true);
}

void PageHeap::note_empty_pool() noexcept {
  write_error(
      huge_.hugetlb == Hugetlb::k2MiB
          ? "lunalloc: hugetlb:2m: the kernel's pool has no free huge page of 2 MiB "
            "(/proc/sys/vm/nr_hugepages sets its size); plain pages are used\n"
          : "lunalloc: hugetlb:1g: the kernel's pool has no free huge page of 1 GiB "
            "(hugepages=N with hugepagesz=1G at boot sets its size); plain pages are used\n");
  huge_.hugetlb = Hugetlb::kOff;
}

void PageHeap::put_regions(Region* first, std::size_t count) noexcept {
  Arena* arena = first->arena;
  for (std::size_t i = 0; i < count; ++i) {
    Region* region = arena->region(first->index + i);
    region->state = RegionState::kReserved;
    region->span_head = nullptr;
    region->free_granules = kAllGranules;
    region->warm_granules = part_granules(region->touched);
    recount(region);
    LUNA_DCHECK(region->free.count() == kPagesPerRegion);
  }
  arena->free.set_range(first->index, count);
}

// Chooses the window when it is first needed.
bool PageHeap::ready() noexcept {
  if (arena_step_ != 0) return true;
  if (!window_.initialize()) return false;
  arena_step_ = store_ == nullptr ? kFirstArenaRegions : kFirstArenaRegionsOfMany;
  return true;
}

Arena* PageHeap::create_arena(std::size_t regions) noexcept {
  Arena* arena = store_ != nullptr ? store_->take(regions, os::coarse_milliseconds()) : nullptr;
  if (arena == nullptr) arena = map_arena(regions);
  if (arena == nullptr && store_ != nullptr && store_->give_up()) arena = map_arena(regions);
  if (arena == nullptr) return nullptr;
  os::ScopedLock guard(window_.lock());
  if (huge_.hugetlb == Hugetlb::k1GiB) commit_pool_arena(arena);
  for (std::size_t i = 0; i < arena->regions; ++i)
    window_.publish(arena->memory + i * kRegionBytes, arena->region(i));
  Arena** last = &arenas_;
  while (*last != nullptr && (*last)->memory < arena->memory) last = &(*last)->next;
  arena->next = *last;
  *last = arena;
  const std::size_t next_step = arena->regions * 2;
  if (next_step > arena_step_)
    arena_step_ = next_step < kMaxArenaRegions ? next_step : kMaxArenaRegions;
  return arena;
}

// A new one of at least so many regions.
Arena* PageHeap::map_arena(std::size_t regions) noexcept {
  os::ScopedLock guard(window_.lock());
  if (!ready()) return nullptr;
  std::size_t size = huge_.hugetlb == Hugetlb::k1GiB ? kMaxArenaRegions : arena_step_;
  while (size < regions) size *= 2;
  std::byte* memory = nullptr;
  for (; memory == nullptr; size /= 2) {
    if (size < regions) size = regions;
    memory = window_.reserve(size, is_power_of_two(size) ? size : 1);
    if (memory != nullptr) break;
    if (size == regions) return nullptr;
  }
  const std::size_t bytes = round_up(sizeof(Arena) + size * sizeof(Region), os::page_bytes());
  void* metadata = os::map(bytes);
  if (metadata == nullptr || !window_.map_slots(memory, size)) {
    if (metadata != nullptr) os::release(metadata, bytes);
    os::release(memory, size * kRegionBytes);
    return nullptr;
  }
  os::forbid_huge_pages(memory, size * kRegionBytes);

  auto* arena = ::new (metadata) Arena;
  arena->memory = memory;
  arena->regions = size;
  arena->metadata_bytes = bytes;
  arena->free.set_range(0, size);
  return arena;
}

void PageHeap::share(ArenaStore& store) noexcept {
  os::ScopedLock guard(lock_);
  store_ = &store;
}

void PageHeap::abandon() noexcept {
  for (auto& place : recent_) place.store(0, std::memory_order_relaxed);
  while (Region* head = used_huge_.first()) {
    used_huge_.remove(head);
    store_->put_huge(head);
  }
  for (Region *head = freed_huge_, *next; head != nullptr; head = next) {
    next = head->next;
    os::ScopedLock guard(window_.lock());
    window_.forget(head);
    os::release(head, round_up(sizeof(Region), os::page_bytes()));
  }
  for (Arena *arena = arenas_, *next; arena != nullptr; arena = next) {
    next = arena->next;
    renew_moved_spans(*arena, window_);
    store_->put(arena);
  }
  charge_.settle(0);
}

// Arenas stay, so that one may be named without the lock.
Arena* PageHeap::arena_after(const Arena* arena) noexcept {
  os::ScopedLock guard(lock_);
  return arena == nullptr ? arenas_ : arena->next;
}

bool PageHeap::is_committed(const Arena& arena, std::size_t at) noexcept {
  os::ScopedLock guard(lock_);
  return arena.committed.test(at);
}

}  // namespace luna
