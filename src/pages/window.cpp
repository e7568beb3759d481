// SPDX-License-Identifier: MIT
#include "pages/window.hpp"

#include "base/check.hpp"
#include "os/memory.hpp"

#include <bit>

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

}  // namespace

bool Window::initialize() noexcept {
  const std::size_t wanted = wanted_window_bytes();
  for (std::size_t bytes = wanted; bytes >= kMinWindowBytes; bytes /= 2) {
    // One unit more, so that a base aligned to a gigabyte lies inside.
    const std::size_t alignment = bytes > kGigabyte ? kGigabyte : kRegionBytes;
    void* hole = os::reserve(bytes + alignment);
    if (hole == nullptr) continue;
    os::release(hole, bytes + alignment);

    const std::size_t regions = bytes / kRegionBytes;
    void* slots = os::reserve_readable(regions * kGranulesPerRegion * sizeof(Slot));
    if (slots == nullptr) return false;
    void* table = os::map(round_up(regions * sizeof(std::atomic<Region*>), os::page_bytes()));
    if (table == nullptr) {
      os::release(slots, regions * kGranulesPerRegion * sizeof(Slot));
      return false;
    }
    base_ = round_up(address_of(hole), alignment);
    slots_ = static_cast<Slot*>(slots);
    regions_ = static_cast<std::atomic<Region*>*>(table);
    capacity_regions_ = regions;
    return true;
  }
  return false;
}

bool Window::is_taken(std::size_t index) const noexcept {
  const Region* region = regions_[index].load(std::memory_order_relaxed);
  return region != nullptr && region->state != RegionState::kFreedHuge;
}

std::byte* Window::reserve(std::size_t regions, std::size_t alignment) noexcept {
  std::size_t first = 0;
  while (first + regions <= capacity_regions_) {
    std::size_t end = first;
    while (end < first + regions && !is_taken(end)) ++end;
    if (end < first + regions) {
      first = round_up(end + 1, alignment);
      continue;
    }
    auto* memory = reinterpret_cast<std::byte*>(base_ + first * kRegionBytes);
    const os::ReserveResult result = os::reserve_at(memory, regions * kRegionBytes);
    if (result == os::ReserveResult::kDone) return memory;
    if (result == os::ReserveResult::kRefused) return nullptr;
    first = round_up(first + 1, alignment);  // somebody else's mapping lies there
  }
  return nullptr;
}

bool Window::commit_slots(std::byte* memory, std::size_t regions) noexcept {
  const std::size_t page = os::page_bytes();
  const std::size_t first = index_of(memory) * kGranulesPerRegion * sizeof(Slot);
  const std::size_t bytes = regions * kGranulesPerRegion * sizeof(Slot);
  const std::size_t begin = round_down(first, page);
  return os::commit(reinterpret_cast<std::byte*>(slots_) + begin,
                    round_up(first + bytes, page) - begin);
}

void Window::publish(std::byte* memory, Region* region) noexcept {
  const std::size_t index = index_of(memory);
  LUNA_DCHECK(index < capacity_regions_);
  // pairs with the acquire in region_of()
  regions_[index].store(region, std::memory_order_release);
  const std::size_t end = (index + 1) * kGranulesPerRegion;
  if (granules_in_use_.load(std::memory_order_relaxed) < end)
    granules_in_use_.store(end, std::memory_order_relaxed);
}

void Window::forget(const Region* region) noexcept {
  if (region->memory == nullptr) return;
  std::atomic<Region*>& entry = regions_[index_of(region->memory)];
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
