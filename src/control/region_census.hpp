// SPDX-License-Identifier: MIT
// What the pages of regions are used for, and how many of them are backed, added up region by
// region.
#pragma once

#include "heap/allocator.hpp"
#include "pages/region.hpp"

#include <lunalloc/stats.h>

#include <array>
#include <cstddef>

namespace luna {

// Pages of one use: how many there are, are backed, and are expected to be.
struct PageTally {
  std::size_t pages = 0;
  std::size_t resident = 0;
  std::size_t expected = 0;
};

struct RegionSums {
  std::size_t regions = 0;
  std::size_t large_blocks = 0;  // runs and spans, in use, kept, or in the list of a thread
  PageTally slabs;
  std::size_t sure_pages = 0;  // of slabs: expected whatever the kernel says
  PageTally spare;             // granules that threads keep
  PageTally large;
  PageTally kept;
  PageTally dirty;
  PageTally retained;
  std::size_t longest_free_pages = 0;
  std::array<luna_class_stats, kSizeClasses> classes{};
};

// Is told of each slab, of which so many blocks are used.
class SlabTally {
 public:
  using Note = void (*)(void* context, const ThreadHeap* heap, std::size_t used_bytes) noexcept;
  void* context = nullptr;
  Note note = nullptr;
};

// How far the books go, page by page: of slabs they say what is backed, for each block that
// was ever cut was written to. Of large blocks in use, and of pages that were part of one, they
// know only what may be, and the kernel is believed. Free pages that were given back, or never
// touched, are not expected to be backed.
//
// Threads: one; count() under the lock of the page heap.
class RegionCensus {
 public:
  RegionCensus(Allocator& allocator, RegionSums& sums, SlabTally slab_tally = {}) noexcept
      : allocator_(allocator), sums_(sums), slab_tally_(slab_tally) {}

  // Regions come by rising address within their arena; `resident` has the pages that are backed,
  // and may be empty.
  void count(const Region& region, const PageSet& resident) noexcept;

 private:
  void count_shared(const Region& region, const PageSet& resident) noexcept;
  void count_slab(const Slab& slab, const Region& region, const PageSet& resident,
                  std::size_t first) noexcept;
  void count_class(const Slab& slab) noexcept;
  void count_free_runs(const Region& region) noexcept;

  Allocator& allocator_;
  RegionSums& sums_;
  SlabTally slab_tally_;
  const std::byte* end_ = nullptr;  // of the last region
  std::size_t free_before_ = 0;     // free pages in a row up to there
};

}  // namespace luna
