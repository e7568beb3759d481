// SPDX-License-Identifier: MIT
// Huge pages for the regions of slabs and runs, once the heap is so large that
// the translation of addresses costs more than what a huge page may waste. Spans
// go without: nobody knows how much of one will be touched.
#include "os/memory.hpp"
#include "pages/page_heap.hpp"

namespace luna {

namespace {

// Regions that go without after the kernel had no huge page.
constexpr std::size_t kPause = 64;

}  // namespace

void PageHeap::set_huge_threshold(std::size_t mebibytes) noexcept {
  constexpr std::size_t kPagesPerMebibyte = (std::size_t{1} << 20) / kPageBytes;
  const bool ever = mebibytes != 0 && mebibytes < SIZE_MAX / kPagesPerMebibyte;
  huge_threshold_ = ever ? mebibytes * kPagesPerMebibyte : SIZE_MAX;
}

// Requires: the region was just taken, so that nobody else knows of it. The lock
// is not held while the kernel clears the huge page.
void PageHeap::try_huge_page(Region* region) noexcept {
  if (!region->touched.none() || os::page_bytes() != kPageBytes) return;
  if (huge_pause_ != 0) {
    --huge_pause_;
    return;
  }
  lock_.unlock();
  const bool huge = os::back_with_huge_page(region->memory, kRegionBytes);
  lock_.lock();
  region->huge = huge;
  if (!huge) huge_pause_ = kPause;
  region->touched.set_range(0, huge ? kPagesPerRegion : 1);
  region->warm_granules = part_granules(region->touched);
  region->arena->dirty.set(region->index);
}

void PageHeap::forbid_huge_page(Region* region) noexcept {
  os::forbid_huge_pages(region->memory, kRegionBytes);
  region->huge = false;
}

}  // namespace luna
