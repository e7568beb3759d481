// SPDX-License-Identifier: MIT
// What all regions are used for, page by page: pictures of a few of them at a time, so that nobody
// waits for who looks at them.
#pragma once

#include "heap/named_heaps.hpp"
#include "heap/size_class.hpp"
#include "pages/region.hpp"

#include <lunalloc/heap.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

enum class PageUse : std::uint8_t {
  kSlab,
  kSpare,    // a granule that a thread keeps for a slab to come
  kLarge,    // a block of whole pages, in use or in the list of a thread
  kKept,     // one that was freed and waits to be handed out whole
  kDirty,    // free, but may be backed
  kRetained  // free, and was given back or never touched
};
inline constexpr std::size_t kPageUses = 6;

// Pages side by side. Only free ones are joined: of the others each is a slab, or a block.
struct PageRun {
  std::uint32_t pages = 0;
  std::uint16_t used_blocks = 0;  // of a slab: in use, or in the list of a thread
  PageUse use = PageUse::kRetained;
  SizeClass size_class = 0;  // of a slab
};

// How huge pages come in, as far as the books say; the later ones hold more of them.
enum class HugeBacking : std::uint8_t { kPlain, kCollapsing, kHuge, kPool };

// A region, or the whole regions of a large block, at one moment.
struct RegionPicture {
  std::uintptr_t address = 0;
  std::size_t bytes = 0;
  RegionState state = RegionState::kReserved;
  HugeBacking huge = HugeBacking::kPlain;
  bool is_of_named_heap = false;
  std::size_t heap_number = 0;  // of a named heap
  std::array<char, LUNA_HEAP_NAME_BYTES> heap_name{};
  std::size_t count = 0;
  std::array<PageRun, kPagesPerRegion> runs{};

  [[nodiscard]] std::span<const PageRun> drawn() const noexcept { return {runs.data(), count}; }
};

// Requires: the lock of the allocator's page heap is held, and the region is one of its own.
void draw(Allocator& allocator, const Region& region, RegionPicture& picture) noexcept;

// Large: to be made in mapped memory. Threads: one; others go on. The lock of a page heap is held
// for one region, and the one that who makes or ends a named heap waits for until next() returns.
class RegionWalk {
 public:
  static constexpr std::size_t kMost = 32;  // at a time

  explicit RegionWalk(Allocator& first) noexcept : first_(first) {}

  // The next few, by rising address within their heap; good until the next call. None: that was
  // all.
  [[nodiscard]] std::span<const RegionPicture> next() noexcept;

 private:
  [[nodiscard]] bool draw_all(Allocator& allocator) noexcept;
  void draw_heap(NamedHeap& heap) noexcept;

  Allocator& first_;
  bool in_named_ = false;
  std::size_t number_ = 0;   // of the named heap that comes next
  std::uintptr_t from_ = 0;  // the address in that heap
  std::size_t count_ = 0;
  std::array<RegionPicture, kMost> pictures_{};
};

}  // namespace luna
