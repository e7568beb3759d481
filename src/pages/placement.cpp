// SPDX-License-Identifier: MIT
// The lowest place that is long enough, for Placement::kLowAddress. The arenas' bitmaps tell
// which regions may have one, so that the others are not looked at.
#include "pages/page_heap.hpp"

namespace luna {

// The lowest committed region with `pages` in a row of which fits(Region*) holds, or that is free
// as a whole; else one that is committed now.
template <typename Fits>
Region* PageHeap::lowest_region(std::size_t pages, Fits fits) noexcept {
  for (Arena* arena = arenas_; arena != nullptr; arena = arena->next) {
    const RegionSet whole = arena->free & arena->committed;
    RegionSet candidates = whole;
    for (std::size_t i = list_of(pages); i < kRegionLists; ++i) candidates.add(arena->filed[i]);
    for (std::size_t at = candidates.find_set(0); at != RegionSet::kNone;
         at = candidates.find_set(at + 1)) {
      if (whole.test(at)) return take_free_region(arena, at);
      if (fits(arena->region(at))) return arena->region(at);
    }
  }
  if (gives_up_recent()) return lowest_region(pages, fits);
  return take_fresh_region();
}

Region* PageHeap::lowest_granule_region() noexcept {
  return lowest_region(kPagesPerGranule,
                       [](const Region* region) noexcept { return region->free_granules != 0; });
}

PageHeap::Found PageHeap::find_lowest_run(std::size_t pages, std::size_t alignment) noexcept {
  std::size_t first = 0;  // so it stays for a region that is free as a whole
  Region* region = lowest_region(pages, [&](Region* candidate) noexcept {
    if (candidate->longest < pages) return false;
    const std::size_t place = find_in(*candidate, candidate->free, pages, alignment);
    if (place == PageSet::kNone) {
      note_longest(candidate);
      return false;
    }
    first = place;
    return true;
  });
  return {region, first, false};
}

}  // namespace luna
