// SPDX-License-Identifier: MIT
// Which block any address lies in, and which blocks are free: for who looks at the whole
// heap while nobody changes it, as in a copy of the process.
#pragma once

#include "base/align.hpp"
#include "heap/allocator.hpp"
#include "heap/slab.hpp"
#include "pages/region.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// A block in use, or one of which it is not known that it is free; no bytes: none.
struct FoundBlock {
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;
};

// One bit for each place at which a block may start. Owns its memory, which the kernel backs
// where a bit is set.
class BlockBits {
 public:
  BlockBits() noexcept = default;
  ~BlockBits();

  BlockBits(const BlockBits&) = delete;
  BlockBits& operator=(const BlockBits&) = delete;

  // All bits zero, for a window as it is now. False: no memory.
  [[nodiscard]] bool begin(const WindowView& window) noexcept;

  // Requires: the block starts in the window.
  [[nodiscard]] bool test(std::uintptr_t block) const noexcept {
    const std::size_t unit = (block - base_) / 16;
    return (words_[unit / 64] >> unit % 64 & 1) != 0;
  }
  void set(std::uintptr_t block) noexcept {
    const std::size_t unit = (block - base_) / 16;
    words_[unit / 64] |= std::uint64_t{1} << unit % 64;
  }
  void clear(std::uintptr_t block) noexcept {
    const std::size_t unit = (block - base_) / 16;
    words_[unit / 64] &= ~(std::uint64_t{1} << unit % 64);
  }

  [[nodiscard]] const void* memory() const noexcept { return words_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::uintptr_t base_ = 0;
  std::uint64_t* words_ = nullptr;
  std::size_t bytes_ = 0;
};

// What threads were in the middle of is seen as it was at that moment: a list that is not
// as long as its owner counts it, or leads astray, is not believed, and its blocks are in
// use as far as anybody can tell. So are those that a thread freed for another one and
// still holds back.
//
// Threads: one, while nobody else changes the heap.
class BlockCensus {
 public:
  explicit BlockCensus(Allocator& allocator) noexcept
      : allocator_(allocator), window_(allocator.window()), view_(window_.view()) {}

  // Takes note of what is free. False: no memory.
  [[nodiscard]] bool begin() noexcept;

  // The block that holds the byte at an address.
  [[nodiscard]] FoundBlock find(std::uintptr_t address) const noexcept {
    const std::size_t unit = (address - view_.base) / 16;
    return view_.holds(unit) ? find_in_window(address) : FoundBlock{};
  }

  // Calls visit(const FoundBlock&) for each block, by rising address.
  template <typename Visit>
  void for_each_block(Visit visit) const noexcept {
    for (std::uintptr_t at = view_.base; at < end(); at += kRegionBytes)
      if (const Region* region = region_at(at); region != nullptr) visit_region(*region, at, visit);
  }

  // Calls visit(begin, bytes) for all memory of the allocator, that of blocks too.
  template <typename Visit>
  void for_each_range(Visit visit) noexcept {
    for (std::uintptr_t at = view_.base; at < end(); at += kRegionBytes) {
      const Region* region = region_at(at);
      // Where a huge block was, there may be a mapping of the program by now.
      if (region == nullptr || region->state == RegionState::kFreedHuge) continue;
      visit(at, kRegionBytes);
      if (region->state == RegionState::kHuge) visit(address_of(region), sizeof(Region));
    }
    visit(address_of(view_.slots),
          view_.units_in_use / WindowView::kUnitsPerGranule * sizeof(Slot));
    visit(address_of(free_.memory()), free_.bytes());
    visit(address_of(&allocator_), sizeof allocator_);
    allocator_.pages().for_each_table(
        [&](const void* table, std::size_t bytes) noexcept { visit(address_of(table), bytes); });
    for_each_heap([&](const ThreadHeap& heap) noexcept { visit(address_of(&heap), sizeof heap); });
  }

  [[nodiscard]] const WindowView& window() const noexcept { return view_; }

 private:
  [[nodiscard]] std::uintptr_t end() const noexcept { return view_.base + view_.units_in_use * 16; }
  [[nodiscard]] const Region* region_at(std::uintptr_t address) const noexcept {
    return window_.region_of(reinterpret_cast<const void*>(address));
  }
  [[nodiscard]] const Slab& slab_at(std::uintptr_t address) const noexcept {
    return *reinterpret_cast<const Slab*>(window_.slot_of(reinterpret_cast<const void*>(address)));
  }

  [[nodiscard]] FoundBlock find_in_window(std::uintptr_t address) const noexcept;
  [[nodiscard]] FoundBlock unless_free(const FoundBlock& block) const noexcept {
    return block.bytes == 0 || free_.test(block.begin) ? FoundBlock{} : block;
  }
  [[nodiscard]] static FoundBlock block_of_run(const Region& region, std::size_t page) noexcept;
  [[nodiscard]] static FoundBlock block_of_slab(const Slab& slab, std::uintptr_t memory,
                                                std::size_t index) noexcept;

  template <typename Visit>
  void visit_region(const Region& region, std::uintptr_t at, Visit& visit) const noexcept {
    const bool is_head =
        region.state == RegionState::kSpanHead || region.state == RegionState::kHuge;
    if (is_head && address_of(region.memory) == at) visit_block(find(at), visit);
    if (region.state != RegionState::kShared) return;
    for (std::size_t page = 0; page < kPagesPerRegion; ++page) {
      const std::uint16_t run = region.run[page];
      const std::uintptr_t memory = at + page * kPageBytes;
      if ((run & kGranuleRun) != 0)
        visit_slab(slab_at(memory), memory, visit);
      else if (run != kNoRun && (run & kSpanTail) == 0)
        visit_block(find(memory), visit);
    }
  }
  template <typename Visit>
  void visit_slab(const Slab& slab, std::uintptr_t memory, Visit& visit) const noexcept {
    if (!slab.is_slab()) return;
    for (std::size_t i = 0; i < slab.fresh; ++i)
      visit_block(unless_free(block_of_slab(slab, memory, i)), visit);
  }
  template <typename Visit>
  static void visit_block(const FoundBlock& block, Visit& visit) noexcept {
    if (block.bytes != 0) visit(block);
  }

  template <typename Visit>
  void for_each_heap(Visit visit) noexcept {
    allocator_.heaps().for_each(visit);
    if (const ThreadHeap* heap = allocator_.samples().thread_heap(); heap != nullptr) visit(*heap);
  }

  // What lists are about: blocks of one size, of one slab or of any of a heap.
  struct ListOwner {
    std::uintptr_t word;  // as slabs bear it
    const Slab* slab;     // nullptr: of any
    std::size_t list;
  };
  void note_list(const Block* first, std::uint32_t count, const ListOwner& owner) noexcept;
  [[nodiscard]] bool belongs(const Block* block, const ListOwner& owner) const noexcept;
  void note_free_of_slab(const Slab& slab, std::uintptr_t memory) noexcept;
  void note_free_of_slabs() noexcept;
  void note_free_of_heap(const ThreadHeap& heap) noexcept;

  Allocator& allocator_;
  const Window& window_;
  WindowView view_;
  BlockBits free_;
};

}  // namespace luna
