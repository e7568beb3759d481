// SPDX-License-Identifier: MIT
#include "pages/window.hpp"

#include "base/check.hpp"
#include "os/memory.hpp"

#include <bit>
#include <cstring>

namespace luna {

namespace {

constexpr std::size_t kGigabyte = std::size_t{1} << 30;

// Other mappings come to lie in the window, and the heap grows around them:
// so it is several times what the machine could ever back.
constexpr std::size_t kWindowPerMemory = 4;
constexpr std::size_t kMinWindowBytes = 64 * kRegionBytes;
constexpr std::size_t kMaxWindowBytes = std::size_t{1} << 44;

[[nodiscard]] std::size_t wanted_window_bytes() noexcept {
  const std::size_t limit = os::address_space_limit();
  std::size_t bytes = kWindowPerMemory * os::physical_memory();
  if (bytes < 64 * kGigabyte) bytes = 64 * kGigabyte;
  if (limit != SIZE_MAX && bytes > 2 * limit) bytes = 2 * limit;
  if (bytes < kMinWindowBytes) bytes = kMinWindowBytes;
  if (bytes > kMaxWindowBytes) bytes = kMaxWindowBytes;
  return std::bit_ceil(bytes);
}

// The start of a hole in the address space; under a limit on address space, when
// no such hole can be probed, the space below the place where the kernel puts
// the next mapping. 0: none.
[[nodiscard]] std::uintptr_t find_hole(std::size_t bytes) noexcept {
  if (void* hole = os::reserve(bytes); hole != nullptr) {
    os::release(hole, bytes);
    return address_of(hole);
  }
  void* next = os::reserve(kRegionBytes);
  if (next == nullptr) return 0;
  os::release(next, kRegionBytes);
  return address_of(next) > 2 * bytes ? round_down(address_of(next) - bytes, kRegionBytes) : 0;
}

}  // namespace

// The kernel fills a hole from its top, and the heap from the bottom of the
// window; the slots lie below it, where nobody comes.
bool Window::initialize() noexcept {
  if (regions_ != nullptr) return true;
  for (std::size_t bytes = wanted_window_bytes(); bytes >= kMinWindowBytes; bytes /= 2)
    if (choose(bytes)) return true;
  return false;
}

// A window of `bytes`. False: there is no hole of that size, as there may be none
// under an emulator or in an address space cut to pieces.
bool Window::choose(std::size_t bytes) noexcept {
  const std::size_t alignment = bytes > kGigabyte ? kGigabyte : kRegionBytes;
  const std::size_t regions = bytes / kRegionBytes;
  const std::size_t slot_bytes = regions * kGranulesPerRegion * sizeof(Slot);
  const std::uintptr_t hole = find_hole(slot_bytes + alignment + bytes);
  if (hole == 0) return false;
  void* table = os::map(round_up(regions * sizeof(std::atomic<Region*>), os::page_bytes()));
  if (table == nullptr) return false;
  base_ = round_up(hole + slot_bytes, alignment);
  slots_ = reinterpret_cast<Slot*>(round_down(base_ - slot_bytes, os::page_bytes()));
  regions_ = static_cast<std::atomic<Region*>*>(table);
  capacity_regions_ = regions;
  return true;
}

bool Window::is_taken(std::size_t index) const noexcept {
  const Region* region = regions_[index].load(std::memory_order_relaxed);  // under the lock
  return region != nullptr && !region->vacant;
}

std::byte* Window::reserve(std::size_t regions, std::size_t alignment) noexcept {
  // The alignment is that of the address, which may be more than the base's.
  const std::size_t base = base_ / kRegionBytes;
  const auto aligned = [=](std::size_t index) { return round_up(base + index, alignment) - base; };
  std::size_t first = aligned(0);
  while (first + regions <= capacity_regions_) {
    std::size_t end = first;
    while (end < first + regions && !is_taken(end)) ++end;
    if (end < first + regions) {
      first = aligned(end + 1);
      continue;
    }
    auto* memory = reinterpret_cast<std::byte*>(base_ + first * kRegionBytes);
    const os::ReserveResult result = os::reserve_at(memory, regions * kRegionBytes);
    if (result == os::ReserveResult::kDone) return memory;
    if (result == os::ReserveResult::kRefused) return nullptr;
    first = aligned(first + 1);  // somebody else's mapping lies there
  }
  return nullptr;
}

bool Window::map_slots(std::byte* memory, std::size_t regions) noexcept {
  const std::size_t granules = (index_of(memory) + regions) * kGranulesPerRegion;
  const std::size_t wanted = round_up(granules * sizeof(Slot), os::page_bytes());
  if (wanted <= mapped_slot_bytes_) return true;
  std::byte* end = reinterpret_cast<std::byte*>(slots_) + mapped_slot_bytes_;
  if (!os::map_at(end, wanted - mapped_slot_bytes_)) return false;
  mapped_slot_bytes_ = wanted;
  return true;
}

void Window::publish(std::byte* memory, Region* region) noexcept {
  const std::size_t index = index_of(memory);
  LUNA_DCHECK(index < capacity_regions_);
  // pairs with the acquire in region_of()
  regions_[index].store(region, std::memory_order_release);
  const std::size_t end = (index + 1) * (kRegionBytes / 16);
  if (units_in_use_.load(std::memory_order_relaxed) < end)  // changes under the lock alone
    units_in_use_.store(end, std::memory_order_release);    // pairs with units_in_use()
}

void Window::publish_all(std::byte* memory, std::size_t regions, Region* region) noexcept {
  for (std::size_t i = 0; i < regions; ++i)
    // pairs with the acquire in region_of()
    regions_[index_of(memory) + i].store(region, std::memory_order_release);
}

void Window::clear_slots(std::byte* memory, std::size_t regions) noexcept {
  Slot* first = slots_ + index_of(memory) * kGranulesPerRegion;
  const std::size_t bytes = regions * kGranulesPerRegion * sizeof(Slot);
  const bool is_whole = (address_of(first) | bytes) % os::page_bytes() == 0;
  if (!is_whole || !os::purge(first, bytes)) std::memset(static_cast<void*>(first), 0, bytes);
}

void Window::forget(const Region* region) noexcept {
  if (region->memory == nullptr) return;
  std::atomic<Region*>& entry = regions_[index_of(region->memory)];
  // relaxed: there is nothing behind a nullptr that a reader could miss; so in release()
  if (entry.load(std::memory_order_relaxed) == region)
    entry.store(nullptr, std::memory_order_relaxed);
}

void Window::release(std::byte* memory, std::size_t regions, Region* last) noexcept {
  const std::size_t first = index_of(memory);
  for (std::size_t i = 1; i < regions; ++i)
    regions_[first + i].store(nullptr, std::memory_order_relaxed);
  regions_[first].store(last, std::memory_order_relaxed);
  os::release(memory, regions * kRegionBytes);
}

}  // namespace luna
