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

bool Allocator::fits_pages(const Slab& slot, const void* pointer,
                           std::size_t bytes) const noexcept {
  const Region* region = window_.region_of(pointer);
  if (region == nullptr || bytes > kMaxBlockBytes) return false;
  const std::size_t room = pages_of_block(*region, pointer, Request::kResize);
  if (is_freed_run(slot, pointer) || region->pages->is_recent(pointer))
    report::realloc_of_freed(pointer);
  const std::size_t pages = pages_for(bytes);
  return bytes > kMaxSmallBytes && pages <= room && pages >= room - room / kSlackPart;
}

void* Allocator::resize(ThreadHeap* heap, void* pointer, std::size_t bytes) noexcept {
  const auto* slab = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
  if (slab == nullptr || guarded_.own(pointer)) return resize_guarded(pointer, bytes);
  if (!samples_.own(*slab)) {
    const bool counts = heap != nullptr && heap->sampling_interval() != 0;
    const std::size_t old_bytes = counts ? usable_bytes(pointer) : 0;
    void* memory = resize_pages(pointer, bytes);
    if (memory != nullptr && counts) sample_growth(*heap, memory, old_bytes, bytes);
    return memory;
  }
  if (fits_block(*slab, pointer, bytes)) {
    note_resized_sample(pointer, bytes);
    return pointer;
  }
  return slab->is_slab() ? nullptr : resize_sample(pointer, bytes);
}

void* Allocator::resize_pages(void* pointer, std::size_t bytes) noexcept {
  if (bytes > kMaxBlockBytes || bytes <= kMaxSmallBytes) return nullptr;
  const auto* slab = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
  const Region* region = window_.region_of(pointer);
  if (region == nullptr || slab->is_slab()) return nullptr;
  const std::size_t old_pages = pages_of_block(*region, pointer, Request::kResize);
  const std::size_t pages = pages_for(bytes);
  // What grows once is likely to grow on: then it finds room that nobody took.
  const std::size_t slack = pages > old_pages ? pages / kSlackPart : 0;
  if ((slack != 0 && pages_.resize(pointer, pages + slack)) || pages_.resize(pointer, pages)) {
    // The list that it will go to when it is freed is another one now.
    disown_run(window_, pointer);
    return pointer;
  }
  if (old_pages < kMinMovedPages || pages < kMinMovedPages) return nullptr;
  return pages_.move(pointer, pages, pages_);
}

}  // namespace luna
