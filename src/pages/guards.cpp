// SPDX-License-Identifier: MIT
// Where the window wants them, guards are the last page of a region of slabs and runs, and the last
// one of a block whose owner asks for it. They stay so when they are free, for the next block may
// end there too, and can be touched again when they are handed out as part of something.
#include "pages/guards.hpp"

#include "base/align.hpp"
#include "base/check.hpp"
#include "os/guard.hpp"
#include "pages/page_heap.hpp"

namespace luna {

namespace {

constexpr std::size_t kLastPage = kPagesPerRegion - 1;

// A huge page has no page that is none; and of the kernel's pool it cannot be parted.
[[nodiscard]] bool may_have_guard(const Region& region) noexcept {
  return !region.huge && !region.hugetlb && !region.collapsing;
}

}  // namespace

bool guard_page(Region& region, std::size_t page) noexcept {
  if (region.guards.test(page)) return true;
  if (!os::guard(region.memory + page * kPageBytes, kPageBytes)) return false;
  region.guards.set(page);
  return true;
}

bool unguard_pages(Region& region, std::size_t first, std::size_t count) noexcept {
  if (region.guards.none()) return true;
  for (std::size_t page = region.guards.find_set(first); page < first + count;
       page = region.guards.find_set(page + 1)) {
    if (!os::unguard(region.memory + page * kPageBytes, kPageBytes)) return false;
    region.guards.clear(page);
  }
  return true;
}

bool unguard_regions(Region* first, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i)
    if (!unguard_pages(first[i], 0, kPagesPerRegion)) return false;
  return true;
}

// Of a region of which nothing was handed out but the tail of a span, if that, once something else
// is. True: its last page is a guard now.
bool PageHeap::close_region(Region* region) noexcept {
  if (!window_.has_guards() || !may_have_guard(*region) || !region->free.test(kLastPage))
    return false;
  if (!guard_page(*region, kLastPage)) return false;
  region->free.clear(kLastPage);
  region->aged.clear(kLastPage);
  region->touched.clear(kLastPage);
  region->closed = true;
  ++closed_pages_;
  return true;
}

// The last page is free again, but not yet to be touched. Requires: the region is in no list.
void PageHeap::reopen_region(Region* region) noexcept {
  LUNA_DCHECK(region->closed);
  region->free.set(kLastPage);
  region->closed = false;
  --closed_pages_;
}

// Of a huge block, whose head stands for all of it, or of a span.
bool PageHeap::unguard_end(Region* head, std::size_t pages) noexcept {
  const std::size_t page = pages - 1;
  if (head->state != RegionState::kHuge)
    return unguard_pages(head[page / kPagesPerRegion], page % kPagesPerRegion, 1);
  if (!head->guards.test(0)) return true;
  if (!os::unguard(head->memory + page * kPageBytes, kPageBytes)) return false;
  head->guards.clear(0);
  return true;
}

void PageHeap::guard_end(const void* block, std::size_t pages) noexcept {
  if (!window_.has_guards()) return;
  std::byte* page = static_cast<std::byte*>(const_cast<void*>(block)) + (pages - 1) * kPageBytes;
  Region* region = window_.region_of(page);
  os::ScopedLock lock(lock_);
  if (region->state == RegionState::kHuge) {
    if (os::guard(page, kPageBytes)) region->guards.set(0);
  } else if (may_have_guard(*region)) {
    static_cast<void>(guard_page(*region, address_of(page) % kRegionBytes / kPageBytes));
  }
}

bool PageHeap::open_end(const void* block, std::size_t pages) noexcept {
  if (!window_.has_guards()) return true;
  Region* region = window_.region_of(block);
  os::ScopedLock lock(lock_);
  if (region->state != RegionState::kShared) return unguard_end(region, pages);
  return unguard_pages(*region, address_of(block) % kRegionBytes / kPageBytes + pages - 1, 1);
}

}  // namespace luna
