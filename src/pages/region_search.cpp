// SPDX-License-Identifier: MIT
#include "pages/region_search.hpp"

#include "base/align.hpp"

namespace luna {

namespace {

[[nodiscard]] const Region* region_of_arena_from(const Arena& arena, std::uintptr_t from) noexcept {
  const std::uintptr_t begin = address_of(arena.memory);
  const std::size_t skipped = from > begin ? regions_for((from - begin) / kPageBytes) : 0;
  if (skipped >= arena.regions) return nullptr;
  const std::size_t at = arena.committed.find_set(skipped);
  return at < arena.regions ? arena.region(at) : nullptr;
}

}  // namespace

const Region* region_from(const PageHeap& pages, std::uintptr_t from) noexcept {
  const Region* found = nullptr;
  const auto look_at = [&](const Region* region) noexcept {
    if (region == nullptr || address_of(region->memory) < from) return;
    if (found == nullptr || region->memory < found->memory) found = region;
  };
  pages.for_each_arena([&](const Arena& arena) noexcept {  // by rising address
    if (found == nullptr) look_at(region_of_arena_from(arena, from));
  });
  pages.for_each_huge([&](const Region& head) noexcept { look_at(&head); });
  return found;
}

std::size_t bytes_of(const Region& region) noexcept {
  if (region.state == RegionState::kHuge) return regions_for(region.span_pages) * kRegionBytes;
  // A span has a region to itself at least.
  if (region.state != RegionState::kSpanHead || region.span_pages < kPagesPerRegion)
    return kRegionBytes;
  return region.span_pages / kPagesPerRegion * kRegionBytes;
}

PageSet kept_pages(const PageHeap& pages, const Region& region) noexcept {
  PageSet result;
  const std::uintptr_t begin = address_of(region.memory);
  for (std::size_t i = 0; i < PageHeap::kRecentPlaces; ++i) {
    const std::uintptr_t block = address_of(pages.recent(i));
    const std::uintptr_t block_end = block + pages.recent_pages(i) * kPageBytes;
    const std::uintptr_t from = block > begin ? block : begin;
    const std::uintptr_t to = block_end < begin + kRegionBytes ? block_end : begin + kRegionBytes;
    if (from < to) result.set_range((from - begin) / kPageBytes, (to - from) / kPageBytes);
  }
  return result;
}

}  // namespace luna
