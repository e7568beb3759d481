// SPDX-License-Identifier: MIT
// The range of addresses in which the heap grows, and what is known of each
// address in it: its slot by arithmetic alone, its region by one load.
#pragma once

#include "base/align.hpp"
#include "os/lock.hpp"
#include "pages/layout.hpp"
#include "pages/region.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

// The window as a thread saw it last: a copy of its own is cheaper to read. What
// came into use since is out of its sight, and found on the slow path.
struct WindowView {
  static constexpr std::size_t kUnitsPerGranule = kGranuleBytes / 16;

  std::uintptr_t base = 0;
  std::size_t units_in_use = 0;
  Slot* slots = nullptr;

  // Where `pointer` lies, in units of 16 bytes from the base. A pointer that is
  // no multiple of 16 comes out as a large number: one comparison with the part
  // in use turns away foreign, tagged, null and misaligned pointers alike.
  [[nodiscard]] std::size_t unit_of(const void* pointer) const noexcept {
    return std::rotr(address_of(pointer) - base, 4);
  }

  // True if the unit lies in the part of the window that is in use.
  [[nodiscard]] bool holds(std::size_t unit) const noexcept { return unit < units_in_use; }

  // Requires: holds(unit). A slot that was never used reads as zeros.
  [[nodiscard]] Slot* slot_at(std::size_t unit) const noexcept {
    return slots + unit / kUnitsPerGranule;
  }
};

// The window is chosen at the start as a hole in the address space; it is not
// reserved: arenas are, one by one, as the heap grows. Other mappings may come
// to lie in it; they are passed over. See docs/adr/0001.
//
// Threads: `slot_of` and `region_of` any thread at any time; the rest under the window's lock,
// which page heaps take under their own.
class Window {
 public:
  [[nodiscard]] WindowView view() const noexcept {
    const std::size_t units = units_in_use();
    return units != 0 ? WindowView{base_, units, slots_} : WindowView{};
  }

  // Slot of the granule that holds `pointer`, whatever its alignment; nullptr
  // if it is outside of the part in use.
  [[nodiscard]] Slot* slot_of(const void* pointer) const noexcept {
    const std::size_t unit = unit_of(pointer);
    return unit != kNoUnit ? slots_ + unit / WindowView::kUnitsPerGranule : nullptr;
  }

  // Region that holds `pointer`, or nullptr.
  [[nodiscard]] Region* region_of(const void* pointer) const noexcept {
    const std::size_t unit = unit_of(pointer);
    if (unit == kNoUnit) return nullptr;
    // pairs with the release in publish()
    return regions_[unit / (kRegionBytes / 16)].load(std::memory_order_acquire);
  }

  [[nodiscard]] std::byte* memory_of(const Slot* slot) const noexcept {
    return reinterpret_cast<std::byte*>(base_) +
           static_cast<std::size_t>(slot - slots_) * kGranuleBytes;
  }

  [[nodiscard]] Annex* annex_of(const Slot* slot) const noexcept {
    const auto granule = static_cast<std::size_t>(slot - slots_);
    // no partner: whoever has a block of the slab, or owns it, has it from after publish()
    Region* region = regions_[granule / kGranulesPerRegion].load(std::memory_order_relaxed);
    return &region->annexes[granule % kGranulesPerRegion];
  }

  // All of it, in use or not. Requires: it is initialized.
  [[nodiscard]] std::uintptr_t base() const noexcept { return base_; }
  [[nodiscard]] std::size_t capacity_bytes() const noexcept {
    return capacity_regions_ * kRegionBytes;
  }

  // Finds a hole to grow in. False: the kernel refuses even the smallest.
  [[nodiscard]] bool initialize() noexcept;

  // Reserves address space for `regions` regions, aligned to `alignment`
  // regions. nullptr: no room in the window, or the kernel refuses.
  [[nodiscard]] std::byte* reserve(std::size_t regions, std::size_t alignment) noexcept;

  // Maps the slots of reserved space, and of what lies before it. False: the
  // kernel refuses.
  [[nodiscard]] bool map_slots(std::byte* memory, std::size_t regions) noexcept;

  // Makes `region` the one that holds `memory`.
  void publish(std::byte* memory, Region* region) noexcept;

  // Calls visit(const void* table, std::size_t bytes) for its own tables.
  template <typename Visit>
  void for_each_table(Visit visit) const noexcept {
    visit(static_cast<const void*>(slots_), mapped_slot_bytes_);
    visit(static_cast<const void*>(regions_), capacity_regions_ * sizeof(std::atomic<Region*>));
  }

  // Makes it the one that holds all of so many regions. Without the lock, by whose they are.
  void publish_all(std::byte* memory, std::size_t regions, Region* region) noexcept;

  // Makes the slots of regions as if they had never been used; likewise.
  void clear_slots(std::byte* memory, std::size_t regions) noexcept;

  // Every moved span stands apart in the kernel's list of mappings, of which a process may have
  // 65,530; beyond this many, of all page heaps, pages are copied instead. Without the lock: only
  // the sum has to be right, and a few more do no harm.
  static constexpr std::size_t kMaxMovedSpans = 1000;
  void count_moved_span() noexcept { moved_spans_.fetch_add(1, std::memory_order_relaxed); }
  void forget_moved_span() noexcept { moved_spans_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t moved_spans() const noexcept {
    return moved_spans_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool has_many_moved_spans() const noexcept {
    return moved_spans() >= kMaxMovedSpans;
  }

  // Page heaps put pages without access between what lies side by side, from the first one on.
  // Requires: nothing was handed out yet.
  void set_guards(bool wanted) noexcept { guards_ = wanted; }
  [[nodiscard]] bool has_guards() const noexcept { return guards_; }

  [[nodiscard]] os::Lock& lock() noexcept { return lock_; }

  // Makes `region` be found no more, if it still is.
  void forget(const Region* region) noexcept;

  // Forgets and releases reserved space; `last` stands for its first region.
  void release(std::byte* memory, std::size_t regions, Region* last) noexcept;

 private:
  static constexpr std::size_t kNoUnit = SIZE_MAX;

  // Pairs with the release in publish(): whoever sees a part in use may see the rest, the base and
  // the tables among it. For a pointer may be anybody's, and its thread new to the window.
  [[nodiscard]] std::size_t units_in_use() const noexcept {
    return units_in_use_.load(std::memory_order_acquire);
  }
  // Where it lies, in units of 16 bytes; kNoUnit: outside of the part in use.
  [[nodiscard]] std::size_t unit_of(const void* pointer) const noexcept {
    const std::size_t units = units_in_use();
    if (units == 0) return kNoUnit;
    const std::size_t unit = (address_of(pointer) - base_) / 16;
    return unit < units ? unit : kNoUnit;
  }
  [[nodiscard]] bool choose(std::size_t bytes) noexcept;

  [[nodiscard]] std::size_t index_of(const std::byte* memory) const noexcept {
    return (address_of(memory) - base_) / kRegionBytes;
  }
  [[nodiscard]] bool is_taken(std::size_t index) const noexcept;

  os::Lock lock_;
  bool guards_ = false;
  std::uintptr_t base_ = 0;
  std::atomic<std::size_t> units_in_use_{0};
  Slot* slots_ = nullptr;  // below the base, mapped as far as the window is in use
  std::size_t mapped_slot_bytes_ = 0;
  std::atomic<Region*>* regions_ = nullptr;
  std::size_t capacity_regions_ = 0;
  std::atomic<std::size_t> moved_spans_{0};
};

}  // namespace luna
