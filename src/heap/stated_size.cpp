// SPDX-License-Identifier: MIT
// What a program may say of the size of a block that it frees. What is no block is left to
// deallocate() to tell.
#include "base/align.hpp"
#include "heap/allocator.hpp"

namespace luna {

namespace {

// One that grew where it lies has up to a sixteenth more than was asked for: see realloc.cpp.
[[nodiscard]] SizeRange range_of_pages(std::size_t pages) noexcept {
  const std::size_t least_pages = pages - pages / kSlackPart;
  const std::size_t least = least_pages > 1 ? (least_pages - 1) * kPageBytes + 1 : 0;
  return {least, pages * kPageBytes};
}

// Pages of the run, span or huge block in use that starts at the pointer; 0: there is none.
[[nodiscard]] std::size_t pages_starting_at(const Region& region, const void* pointer) noexcept {
  const std::size_t offset = address_of(pointer) - address_of(region.memory);
  if (region.state == RegionState::kSpanHead || region.state == RegionState::kHuge)
    return offset == 0 ? region.span_pages : 0;
  if (region.state != RegionState::kShared || offset % kPageBytes != 0) return 0;
  const std::uint16_t run = region.run[offset / kPageBytes];
  return (run & ~kRunLengthMask) == 0 ? run : 0;
}

}  // namespace

SizeRange Allocator::sizes_of(const void* pointer) const noexcept {
  const auto* slab = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
  if (slab == nullptr) return sizes_of_guarded(pointer);
  if (slab->is_slab()) return {0, slab->info().block_bytes};
  const Region* region = window_.region_of(pointer);
  if (region == nullptr) return sizes_of_guarded(pointer);
  const std::size_t pages = pages_starting_at(*region, pointer);
  return pages != 0 ? range_of_pages(pages) : SizeRange{};
}

SizeRange Allocator::sizes_of_guarded(const void* pointer) const noexcept {
  if (!guarded_.own(pointer)) return {};
  const GuardedBlock* block = guarded_.find(pointer);
  if (block == nullptr || block->memory != pointer || block->is_freed()) return {};
  return {block->bytes, block->bytes};
}

bool Allocator::is_sample(const void* pointer) const noexcept {
  const auto* slot = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
  return slot != nullptr && samples_.own(*slot);
}

}  // namespace luna
