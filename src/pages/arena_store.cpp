// SPDX-License-Identifier: MIT
#include "pages/arena_store.hpp"

#include "os/clock.hpp"
#include "os/memory.hpp"
#include "pages/guards.hpp"

#include <cstring>
#include <new>

namespace luna {

namespace {

// Pages that the program has locked cannot be purged: they are mapped anew. False: the kernel
// refuses all of it, and so it has their contents that may be protected.
[[nodiscard]] bool give_back(std::byte* memory, std::size_t bytes) noexcept {
  const bool is_writable = os::commit(memory, bytes);
  if (os::purge(memory, bytes) || os::renew(memory, bytes)) return true;
  if (is_writable) std::memset(memory, 0, bytes);
  return is_writable;
}

// Of regions that nobody owns.
void unguard_all(Arena& arena) noexcept {
  for (std::size_t i = 0; i < arena.regions; ++i)
    if (arena.committed.test(i))
      static_cast<void>(unguard_pages(*arena.region(i), 0, kPagesPerRegion));
}

// Gives all memory of the blocks back, or at least its contents. False: some of them are there.
bool purge_blocks(Arena& arena) noexcept {
  bool all = true;
  unguard_all(arena);
  for (std::size_t at = arena.committed.find_set(0); at < arena.regions;) {
    std::size_t end = arena.committed.find_clear(at);
    if (end > arena.regions) end = arena.regions;
    std::byte* memory = arena.memory + at * kRegionBytes;
    const std::size_t bytes = (end - at) * kRegionBytes;
    all = give_back(memory, bytes) && all;
    at = arena.committed.find_set(end);
  }
  return all;
}

// Makes an arena as new, but for its place in the store. Who was in the middle of a free when it
// came may have written to its blocks since. Where the kernel refuses, it stays as it is.
void renew(Window& window, Arena& arena) noexcept {
  if (!purge_blocks(arena)) return;
  window.clear_slots(arena.memory, arena.regions);
  std::byte* memory = arena.memory;
  Arena* next = arena.next;
  const std::size_t regions = arena.regions;
  const std::size_t bytes = arena.metadata_bytes;
  const std::uint64_t gone_since_ms = arena.gone_since_ms;
  if (!os::renew(&arena, bytes)) std::memset(static_cast<void*>(&arena), 0, bytes);
  auto* fresh = ::new (&arena) Arena;
  fresh->next = next;
  fresh->memory = memory;
  fresh->regions = regions;
  fresh->metadata_bytes = bytes;
  fresh->gone_since_ms = gone_since_ms;
  fresh->free.set_range(0, regions);
}

}  // namespace

bool ArenaStore::begin(Window& window) noexcept {
  os::ScopedLock guard(lock_);
  if (gone_ != nullptr) return true;
  void* memory = os::map(round_up(sizeof(Region), os::page_bytes()));
  if (memory == nullptr) return false;
  window_ = &window;
  gone_ = ::new (memory) Region;
  gone_->state = RegionState::kGone;
  return true;
}

// Nobody finds the regions any more. The metadata and the slots stay for those who found them
// before, until the arena has rested.
void ArenaStore::put(Arena* arena) noexcept {
  window_->publish_all(arena->memory, arena->regions, gone_);
  static_cast<void>(purge_blocks(*arena));  // and again when it has rested
  os::forbid_huge_pages(arena->memory, arena->regions * kRegionBytes);
  arena->next = nullptr;
  arena->gone_since_ms = os::coarse_milliseconds();
  os::ScopedLock guard(lock_);
  *last_ = arena;
  last_ = &arena->next;
  regions_ += arena->regions;
  renew_rested(arena->gone_since_ms);
  bound_stock(arena->gone_since_ms);
}

// The place of its metadata notes where its addresses rest.
void ArenaStore::put_huge(Region* head) noexcept {
  std::byte* memory = head->memory;
  const std::size_t regions = regions_for(head->span_pages);
  window_->publish_all(memory, regions, gone_);
  static_cast<void>(os::purge(memory, regions * kRegionBytes));
  const std::uint64_t now_ms = os::coarse_milliseconds();
  os::ScopedLock guard(lock_);
  release_rested_huge(now_ms);
  *last_huge_ = ::new (head) Huge{nullptr, memory, regions, now_ms};
  last_huge_ = &(*last_huge_)->next;
}

void ArenaStore::release_first_huge() noexcept {
  Huge* huge = first_huge_;
  first_huge_ = huge->next;
  if (first_huge_ == nullptr) last_huge_ = &first_huge_;
  window_->clear_slots(huge->memory, huge->regions);
  os::ScopedLock guard(window_->lock());
  window_->release(huge->memory, huge->regions, nullptr);
  os::release(huge, round_up(sizeof(Region), os::page_bytes()));
}

void ArenaStore::release_rested_huge(std::uint64_t now_ms) noexcept {
  while (first_huge_ != nullptr && now_ms - first_huge_->gone_since_ms >= kRestMs)
    release_first_huge();
}

// Gives addresses back of which there are many. Of very many it may be before they have rested.
void ArenaStore::bound_stock(std::uint64_t now_ms) noexcept {
  while (first_ != nullptr && regions_ > kStockRegions) {
    if (regions_ <= kMostRegions && now_ms - first_->gone_since_ms < kRestMs) return;
    release_first();
  }
}

void ArenaStore::release_first() noexcept {
  Arena* arena = remove(&first_);
  window_->clear_slots(arena->memory, arena->regions);
  os::ScopedLock guard(window_->lock());
  window_->release(arena->memory, arena->regions, nullptr);
  os::release(arena, arena->metadata_bytes);
}

bool ArenaStore::give_up() noexcept {
  os::ScopedLock guard(lock_);
  if (first_ == nullptr && first_huge_ == nullptr) return false;
  while (first_ != nullptr) release_first();
  while (first_huge_ != nullptr) release_first_huge();
  return true;
}

Arena* ArenaStore::remove(Arena** at) noexcept {
  Arena* arena = *at;
  *at = arena->next;
  if (*at == nullptr) last_ = at;
  regions_ -= arena->regions;
  return arena;
}

// Of those that have rested the metadata is not wanted any more.
void ArenaStore::renew_rested(std::uint64_t now_ms) noexcept {
  for (Arena* arena = first_; arena != nullptr; arena = arena->next) {
    if (now_ms - arena->gone_since_ms < kRestMs) return;
    if (!arena->committed.none()) renew(*window_, *arena);
  }
}

Arena* ArenaStore::take(std::size_t regions, std::uint64_t now_ms) noexcept {
  os::ScopedLock guard(lock_);
  renew_rested(now_ms);
  release_rested_huge(now_ms);
  for (Arena** at = &first_; *at != nullptr; at = &(*at)->next) {
    if (now_ms - (*at)->gone_since_ms < kRestMs) return nullptr;
    if ((*at)->regions < regions || !(*at)->committed.none()) continue;
    Arena* arena = remove(at);
    arena->next = nullptr;
    return arena;
  }
  return nullptr;
}

}  // namespace luna
