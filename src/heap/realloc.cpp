// SPDX-License-Identifier: MIT
// Changing the size of a block without copying it.
#include "base/align.hpp"
#include "heap/allocator.hpp"
#include "heap/block_lookup.hpp"

namespace luna {

namespace {

// From here on moving pages is cheaper than copying bytes: a page table move
// costs about 4 us a MiB, a copy into fresh pages 600.
constexpr std::size_t kMinMovedPages = (std::size_t{4} << 20) / kPageBytes;

}  // namespace

void* Allocator::resize(void* pointer, std::size_t bytes) noexcept {
  if (bytes > kMaxBlockBytes) return nullptr;
  const auto* slab = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
  if (slab->heap() != nullptr) {
    const std::size_t room = slab->info().block_bytes;
    // In place unless more than half of the block would lie idle.
    const bool fits = bytes <= room && (bytes > room / 2 || room <= 64);
    return fits ? pointer : nullptr;
  }
  const Region* region = window_.region_of(pointer);
  const std::size_t old_pages = pages_of_block(*region, pointer, Request::kResize);
  if (bytes <= kMaxSmallBytes) return nullptr;
  const std::size_t pages = pages_for(bytes);
  if (pages == old_pages || pages_.resize(pointer, pages)) return pointer;
  if (old_pages < kMinMovedPages || pages < kMinMovedPages) return nullptr;
  return pages_.move(pointer, pages);
}

}  // namespace luna
