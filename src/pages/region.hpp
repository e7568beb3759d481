// SPDX-License-Identifier: MIT
// Metadata of 2 MiB of address space, kept out of line; and of the arena that
// the region is part of.
#pragma once

#include "base/bitmap.hpp"
#include "base/relaxed.hpp"
#include "pages/layout.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

enum class RegionState : std::uint8_t {
  kReserved,   // free as a whole: its arena hands it out
  kShared,     // cut into runs of pages and granules
  kSpanHead,   // first region of a span
  kSpanBody,   // further region that a span fills
  kHuge,       // first region of a block that was mapped by itself
  kFreedHuge,  // stands for the first region of one that was given back
  kGone,       // stands for all regions of page heaps that are gone
};

using PageSet = Bitmap<kPagesPerRegion>;
using RegionSet = Bitmap<kMaxArenaRegions>;

// Regions are in lists by the logarithm of their longest free run.
[[nodiscard]] constexpr std::size_t list_of(std::size_t longest) noexcept {
  return static_cast<std::size_t>(std::bit_width(longest)) - 1;
}
inline constexpr std::size_t kRegionLists = list_of(kPagesPerRegion) + 1;

// In each byte of a word, which stands for the pages of a granule, the lowest bit.
inline constexpr std::uint64_t kLowPages = 0x0101010101010101;
static_assert(kPagesPerGranule == 8);

// The lowest bits of the bytes of a word, side by side.
[[nodiscard]] constexpr GranuleSet gather_low_pages(std::uint64_t word) noexcept {
  return (word & kLowPages) * 0x0102040810204080 >> 56;
}

// The granules of a word whose pages are all set, or of which a page is set.
[[nodiscard]] constexpr GranuleSet whole_granules(std::uint64_t word) noexcept {
  word &= word >> 4;
  word &= word >> 2;
  word &= word >> 1;
  return gather_low_pages(word);
}
[[nodiscard]] constexpr GranuleSet part_granules(std::uint64_t word) noexcept {
  word |= word >> 4;
  word |= word >> 2;
  word |= word >> 1;
  return gather_low_pages(word);
}

// The granules whose pages are all in the set.
[[nodiscard]] inline GranuleSet whole_granules(const PageSet& pages) noexcept {
  GranuleSet result = 0;
  for (std::size_t i = 0; i < PageSet::kWords; ++i)
    result |= whole_granules(pages.word(i)) << i * 8;
  return result;
}

// The granules of which a page is in the set.
[[nodiscard]] inline GranuleSet part_granules(const PageSet& pages) noexcept {
  GranuleSet result = 0;
  for (std::size_t i = 0; i < PageSet::kWords; ++i) result |= part_granules(pages.word(i)) << i * 8;
  return result;
}

// What is known, when a span is freed, of which of its pages were written to. One that was recently
// freed may serve a program that did not ask for zeros: then it is a guess.
enum class Zeros : std::uint8_t {
  kNone,
  kProbed,  // where it will be looked at it came without pages
  kFresh    // as a whole
};

class PageHeap;
struct Arena;

// Invariants (a region in state kShared), tested by PageHeap::verify():
//   1. free_pages is the number of bits in `free`; no run of them is longer than `longest`
//   2. free_granules has the bit of each granule whose pages are all free
//   3. warm_granules has the bit of each of them of which a page is touched
//   4. `aged` is a subset of `free & touched`
//   5. the arena has its bit in `filed` for the list it is in, and for no other
//   6. if it is closed, its last page is in `guards` and not in `free`
//
// Threads: guarded by the lock of the page heap, but for the annexes; `vacant` by the window's.
struct Region {
  PageSet free;
  PageSet touched;  // pages that may hold data; of pages in use, only what is known of before
  PageSet aged;     // were free and touched when the last sweep passed
  PageSet
      guards;  // cannot be touched, free or in use; huge block: the first bit is its last page's

  Region* previous = nullptr;  // in a list of the page heap
  Region* next = nullptr;
  std::byte* memory = nullptr;
  Arena* arena = nullptr;
  PageHeap* pages = nullptr;  // whose it is
  std::uint32_t index = 0;    // in the arena
  GranuleSet free_granules = 0;
  GranuleSet warm_granules = 0;
  std::uint16_t free_pages = 0;
  std::uint16_t longest = 0;
  std::uint16_t used_pages = 0;   // as counted in the page heap's sums
  std::uint16_t dirty_pages = 0;  // likewise
  RegionState state = RegionState::kReserved;
  Zeros zeros = Zeros::kNone;    // of a span
  std::uint8_t list = 0;         // number of the list it is in
  bool moved = false;            // span whose pages came by mremap
  bool given_back = false;       // span whose pages went to the kernel before it was freed
  bool moving = false;           // span whose pages go by mremap now, without the lock
  bool sparse = false;           // `touched` says far more than is backed
  bool huge = false;             // is backed by a huge page, or was until a part was purged
  bool closed = false;           // its last page is a guard, and neither free nor in use
  bool collapsing = false;       // the kernel is at it, without the lock
  std::uint8_t purges = 0;       // likewise: so many threads give pages of it back
  bool hugetlb = false;          // of the kernel's pool of huge pages: cannot be purged
  Relaxed<bool> keyed = false;   // carries the key of its heap
  std::size_t span_pages = 0;    // of a span head or a huge block
  Relaxed<bool> vacant = false;  // in state kFreedHuge: its addresses may be reserved again
  Region* span_head = nullptr;   // of a span body, or of the region with its tail

  // Pages of the run that starts here; kNoRun, or a mark. A byte-sized table
  // would not do: runs have up to 512 pages.
  std::array<std::uint16_t, kPagesPerRegion> run{};

  std::array<Annex, kGranulesPerRegion> annexes;
  std::array<std::byte, 64> unused{};  // for what is said below
};

// Regions lie side by side, and searches look at the first lines of many: an odd number of
// lines from one to the next spreads these over all sets of the processor's caches.
static_assert(sizeof(Region) / 64 % 2 == 1);

inline constexpr std::uint16_t kNoRun = 0;
inline constexpr std::uint16_t kRunLengthMask = 0x3ff;
inline constexpr std::uint16_t kGranuleRun = 0x800;  // the pages of a slab
inline constexpr std::uint16_t kSpanTail = 0x1000;   // the last pages of a span

// Address space reserved at once, at most 1 GiB, cut into regions, whose metadata
// follows: hence the alignment.
//
// Threads: guarded by the lock of the page heap.
struct alignas(64) Arena {
  Arena* next = nullptr;
  bool hugetlb = false;  // so are some of its regions
  std::byte* memory = nullptr;
  std::size_t regions = 0;
  std::size_t metadata_bytes = 0;
  RegionSet free;                             // regions in state kReserved
  RegionSet committed;                        // regions that may be read and written
  RegionSet dirty;                            // regions that may have pages to give back
  std::array<RegionSet, kRegionLists> filed;  // regions in each list
  std::uint64_t gone_since_ms = 0;            // in an ArenaStore

  [[nodiscard]] Region* region(std::size_t at) noexcept {
    return reinterpret_cast<Region*>(this + 1) + at;
  }
  [[nodiscard]] const Region* region(std::size_t at) const noexcept {
    return reinterpret_cast<const Region*>(this + 1) + at;
  }
};

}  // namespace luna
