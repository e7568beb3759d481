// SPDX-License-Identifier: MIT
// Changing the size of a block without copying it.
#include "base/align.hpp"
#include "base/report.hpp"
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
  auto* slab = reinterpret_cast<Slab*>(window_.slot_of(pointer));
  if (slab->is_slab()) return fits(pointer, bytes) ? pointer : nullptr;
  const Region* region = window_.region_of(pointer);
  const std::size_t old_pages = pages_of_block(*region, pointer, Request::kResize);
  if (is_freed_run(*slab, pointer) || pages_.is_recent(pointer)) report::realloc_of_freed(pointer);
  if (bytes <= kMaxSmallBytes) return nullptr;
  const std::size_t pages = pages_for(bytes);
  if (pages == old_pages) return pointer;
  if (pages_.resize(pointer, pages)) {
    // The list that it will go to when it is freed is another one now.
    disown_run(window_, pointer);
    return pointer;
  }
  if (old_pages < kMinMovedPages || pages < kMinMovedPages) return nullptr;
  return pages_.move(pointer, pages);
}

}  // namespace luna
