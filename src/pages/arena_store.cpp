// SPDX-License-Identifier: MIT
#include "pages/arena_store.hpp"

#include "os/clock.hpp"
#include "os/memory.hpp"

#include <new>

namespace luna {

namespace {

// Gives all memory of the blocks back. What the kernel refuses to take stays until the arena is
// used again.
void purge_blocks(Arena& arena) noexcept {
  for (std::size_t at = arena.committed.find_set(0); at < arena.regions;) {
    std::size_t end = arena.committed.find_clear(at);
    if (end > arena.regions) end = arena.regions;
    std::byte* memory = arena.memory + at * kRegionBytes;
    const std::size_t bytes = (end - at) * kRegionBytes;
    static_cast<void>(os::commit(memory, bytes));  // it may be protected
    static_cast<void>(os::purge(memory, bytes));
    at = arena.committed.find_set(end);
  }
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

// First nobody finds the regions any more, then the slots, and then they are cleared.
void ArenaStore::put(Arena* arena) noexcept {
  std::byte* memory = arena->memory;
  const std::size_t regions = arena->regions;
  const std::size_t bytes = arena->metadata_bytes;
  window_->publish_all(memory, regions, gone_);
  window_->clear_slots(memory, regions);
  purge_blocks(*arena);
  os::forbid_huge_pages(memory, regions * kRegionBytes);
  static_cast<void>(os::renew(arena, bytes));
  auto* fresh = ::new (arena) Arena;
  fresh->memory = memory;
  fresh->regions = regions;
  fresh->metadata_bytes = bytes;
  fresh->free.set_range(0, regions);
  fresh->gone_since_ms = os::coarse_milliseconds();
  os::ScopedLock guard(lock_);
  *last_ = fresh;
  last_ = &fresh->next;
}

Arena* ArenaStore::take(std::size_t regions, std::uint64_t now_ms) noexcept {
  os::ScopedLock guard(lock_);
  for (Arena** at = &first_; *at != nullptr; at = &(*at)->next) {
    Arena* arena = *at;
    if (now_ms - arena->gone_since_ms < kRestMs) return nullptr;
    if (arena->regions < regions) continue;
    *at = arena->next;
    if (last_ == &arena->next) last_ = at;
    arena->next = nullptr;
    return arena;
  }
  return nullptr;
}

}  // namespace luna
