// SPDX-License-Identifier: MIT
// What a thread gives up of size classes that it does not ask for any more.
#include "heap/thread_heap.hpp"

namespace luna {

namespace {

// A class is idle if none of its blocks were handed out while the thread took so many
// granules, or for some time.
constexpr std::uint32_t kIdleAge = 64;

// With more than two blocks in use for each of its pages, hardly a page of a slab is free.
constexpr std::uint32_t kUsedBlocksWorthAPurge = 2 * kPagesPerGranule;

}  // namespace

// Of classes that are idle, slabs that were left sparse give up their free pages, as
// others grow and as time goes by: so that a program that goes from one size to the
// next does not keep them all.
void ThreadHeap::purge_idle_classes(std::size_t slabs) noexcept {
  for (std::size_t i = 0; i < kSizeClasses && slabs != 0; ++i) {
    ClassSlabs& idle = classes_[purged_class_];
    while (slabs != 0 && age_ - idle.used_at > kIdleAge) {
      Slab* slab = idle.partial.first();
      if (slab == nullptr || slab->used_at_purge == slab->used()) break;
      idle.partial.remove(slab);
      idle.partial.push_back(slab);
      if (slab->used() <= kUsedBlocksWorthAPurge) static_cast<void>(purge_slab(*slab));
      slab->used_at_purge = static_cast<std::uint16_t>(slab->used());
      --slabs;
    }
    if (slabs != 0) purged_class_ = (purged_class_ + 1) % kSizeClasses;
  }
}

}  // namespace luna
