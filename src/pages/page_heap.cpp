// SPDX-License-Identifier: MIT
// Granules and runs inside shared regions. For blocks of more than a region see
// span.cpp; for where regions come from, arenas.cpp.
#include "pages/page_heap.hpp"

#include "base/align.hpp"
#include "base/check.hpp"
#include "pages/guards.hpp"

#include <bit>
#include <cstring>

namespace luna {

namespace {

// How many regions of a list are looked at for the fullest: enough to keep
// sparse regions draining, few enough to be cheap.
constexpr int kCandidates = 4;

// What of a region belongs to the span that ends there; 0: none does.
[[nodiscard]] std::size_t tail_pages(const Region& region) noexcept {
  return (region.run[0] & kSpanTail) != 0 ? region.run[0] & kRunLengthMask : 0;
}

// Zeroes those pages of a run that may hold old data.
void clear_touched(std::byte* memory, const PageSet& touched, std::size_t first,
                   std::size_t count) noexcept {
  std::size_t page = touched.find_set(first);
  while (page < first + count) {
    std::size_t end = touched.find_clear(page);
    if (end > first + count) end = first + count;
    std::memset(memory + page * kPageBytes, 0, (end - page) * kPageBytes);
    page = touched.find_set(end);
  }
}

}  // namespace

GranulesTaken PageHeap::take_granules(std::size_t count) noexcept {
  os::ScopedLock guard(lock_);
  if (exceeds_limit(count * kPagesPerGranule)) count = 1;
  if (exceeds_limit(kPagesPerGranule)) return {};
  Region* region = granule_region();
  if (region == nullptr) {
    settle_charge();
    return {};
  }
  const GranuleSet granules = granules_of(*region);
  const auto granule = static_cast<std::size_t>(std::countr_zero(granules));
  const bool warm = (region->warm_granules >> granule & 1) != 0;
  const auto in_a_row = static_cast<std::size_t>(std::countr_one(granules >> granule));
  if (count > in_a_row) count = in_a_row;
  const std::size_t first = granule * kPagesPerGranule;
  const std::size_t pages = count * kPagesPerGranule;
  if (!use_pages(region, first, pages)) {
    settle_charge();
    return {};
  }
  for (std::size_t page = first; page < first + pages; page += kPagesPerGranule)
    region->run[page] = kPagesPerGranule | kGranuleRun;
  balance(pages - region->touched.count(first, pages));
  settle_charge();
  return {region->memory + granule * kGranuleBytes, count, warm,
          used_pages_ == demand_.recent_peak()};
}

void PageHeap::put_granule_locked(void* memory, std::size_t touched_pages) noexcept {
  Region* region = window_.region_of(memory);
  const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(memory) - region->memory);
  const std::size_t first = offset / kPageBytes;
  LUNA_DCHECK(region->run[first] == (kPagesPerGranule | kGranuleRun));
  region->run[first] = kNoRun;
  free_pages(region, first, kPagesPerGranule, touched_pages);
}

void* PageHeap::take(std::size_t pages, std::size_t alignment_pages, bool zero) noexcept {
  if (pages >= kMinRecentPages) {
    void* memory = zero ? nullptr : take_recent(pages, alignment_pages);
    if (memory != nullptr) return memory;
    if (has_recent()) settle_recent();
  }
  if (pages > kPagesPerRegion || alignment_pages > kPagesPerRegion)
    return take_span(pages, alignment_pages, zero);
  return take_run(pages, alignment_pages, zero);
}

void* PageHeap::take_run(std::size_t pages, std::size_t alignment, bool zero) noexcept {
  lock_.lock();
  const Found found = exceeds_limit(pages) ? Found{} : find_run(pages, alignment);
  Region* region = found.region;
  const std::size_t first = found.first;
  const PageSet touched = zero && region != nullptr ? region->touched : PageSet{};
  if (region == nullptr || !use_pages(region, first, pages)) {
    settle_charge();
    lock_.unlock();
    return nullptr;
  }
  region->run[first] = static_cast<std::uint16_t>(pages);
  balance(pages - region->touched.count(first, pages));
  lock_.unlock();

  if (zero) clear_touched(region->memory, touched, first, pages);
  return region->memory + first * kPageBytes;
}

void PageHeap::put(void* memory) noexcept {
  const Region* region = window_.region_of(memory);
  const bool touched = region->state != RegionState::kSpanHead || settle_span(region);
  os::ScopedLock guard(lock_);
  put_locked(memory, touched);
  settle_charge();
}

void PageHeap::put_locked(void* memory, bool touched) noexcept {
  Region* region = window_.region_of(memory);
  if (region->state != RegionState::kShared) return put_large(region, touched);

  const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(memory) - region->memory);
  const std::size_t first = offset / kPageBytes;
  const std::size_t pages = region->run[first] & kRunLengthMask;
  region->run[first] = kNoRun;
  free_pages(region, first, pages, pages);
}

bool PageHeap::resize(void* memory, std::size_t pages) noexcept {
  os::ScopedLock guard(lock_);
  Region* region = window_.region_of(memory);
  if (region->state == RegionState::kHuge) return pages == region->span_pages;
  bool done = false;
  if (region->state == RegionState::kSpanHead) {
    done = pages > kPagesPerRegion && unguard_end(region, region->span_pages) &&
           resize_span(region, pages);
  } else {
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(memory) - region->memory);
    done = resize_run(region, offset / kPageBytes, pages);
  }
  settle_charge();
  return done;
}

bool PageHeap::resize_run(Region* region, std::size_t first, std::size_t pages) noexcept {
  const std::size_t old_pages = region->run[first] & kRunLengthMask;
  if (first + pages > kPagesPerRegion) return false;
  if (!unguard_pages(*region, first + old_pages - 1, 1)) return false;
  if (pages > old_pages) {
    if (exceeds_limit(pages - old_pages)) return false;
    if (!region->free.all(first + old_pages, pages - old_pages)) return false;
    if (!use_pages(region, first + old_pages, pages - old_pages)) return false;
  }
  region->run[first] = static_cast<std::uint16_t>(pages);
  if (pages < old_pages) free_pages(region, first + pages, old_pages - pages, old_pages - pages);
  return true;
}

// The warmer place of the two, or the one in the fuller region.
PageHeap::Found PageHeap::better(const Found& one, const Found& other) noexcept {
  if (other.region == nullptr) return one;
  if (one.region == nullptr || one.warm != other.warm) return one.warm ? one : other;
  return other.region->free_pages < one.region->free_pages ? other : one;
}

// Those to choose from, all warm or none of them.
GranuleSet PageHeap::granules_of(const Region& region) const noexcept {
  const GranuleSet warm = region.warm_granules;
  const GranuleSet lowest = region.free_granules & -region.free_granules;
  const bool cold = placement_ == Placement::kLowAddress ? (warm & lowest) == 0 : warm == 0;
  return cold ? region.free_granules & ~warm : warm;
}

// Of the first few regions of each list, the fullest with a warm granule; else
// the fullest; else a region that was free as a whole.
Region* PageHeap::granule_region() noexcept {
  if (placement_ == Placement::kLowAddress) return lowest_granule_region();
  Found best;
  for (std::size_t i = list_of(kPagesPerGranule); i < kRegionLists; ++i) {
    int seen = 0;
    for (Region* at = lists_[i].first(); at != nullptr && seen < kCandidates; at = at->next) {
      if (at->free_granules == 0) continue;
      ++seen;
      best = better(best, {at, 0, at->warm_granules != 0});
    }
  }
  if (best.warm) return best.region;
  if (gives_up_recent()) return granule_region();
  return take_warmer_region(best.region);
}

// True if there is more warm memory now than before.
bool PageHeap::gives_up_recent() noexcept {
  if (!has_recent() || has_dirty_region()) return false;
  give_up_recent(false);
  return true;
}

// A region that is free as a whole, if it is touched or there is no `other`.
Region* PageHeap::take_warmer_region(Region* other) noexcept {
  return other != nullptr && !has_dirty_region() ? other : take_fresh_region();
}

Region* PageHeap::take_fresh_region() noexcept {
  Region* region = take_regions(1, 1);
  if (region != nullptr) try_huge_page(region);
  return region;
}

// Whether a run may start at the page: only one may in each granule, for its slot
// tells whose it is.
bool PageHeap::may_start(const Region& region, std::size_t page) noexcept {
  const std::size_t granule = round_down(page, kPagesPerGranule);
  for (std::size_t i = granule; i < granule + kPagesPerGranule; ++i)
    if (region.run[i] != kNoRun && (region.run[i] & kSpanTail) == 0) return false;
  return true;
}

// The first place in a set of pages where a run may lie.
std::size_t PageHeap::find_in(const Region& region, const PageSet& pages, std::size_t count,
                              std::size_t alignment) noexcept {
  std::size_t first = pages.find_run(count, alignment);
  while (first != PageSet::kNone && !may_start(region, first))
    first =
        pages.find_run(count, alignment, round_down(first, kPagesPerGranule) + kPagesPerGranule);
  return first;
}

// A place for a run in one region: of touched pages if there is one, since they
// cost no page fault.
PageHeap::Found PageHeap::place_in(Region* region, std::size_t pages,
                                   std::size_t alignment) noexcept {
  const std::size_t warm = find_in(*region, region->free & region->touched, pages, alignment);
  if (warm != PageSet::kNone) return {region, warm, true};
  const std::size_t cold = find_in(*region, region->free, pages, alignment);
  return cold != PageSet::kNone ? Found{region, cold, false} : Found{};
}

// So far it was but a bound; from now on the region is passed over.
void PageHeap::note_longest(Region* region) noexcept {
  region->longest = static_cast<std::uint16_t>(region->free.longest_run());
}

// The same in the fullest of the first few regions of each list.
PageHeap::Found PageHeap::find_run(std::size_t pages, std::size_t alignment) noexcept {
  if (placement_ == Placement::kLowAddress) return find_lowest_run(pages, alignment);
  Found best;
  for (std::size_t i = list_of(pages); i < kRegionLists; ++i) {
    int seen = 0;
    for (Region* at = lists_[i].first(); at != nullptr && seen < kCandidates; at = at->next) {
      if (at->longest < pages) continue;
      ++seen;
      const Found found = place_in(at, pages, alignment);
      if (found.region == nullptr) note_longest(at);
      best = better(best, found);
    }
  }
  if (best.warm) return best;
  if (gives_up_recent()) return find_run(pages, alignment);
  Region* region = take_warmer_region(best.region);
  return region == best.region ? best : Found{region, 0, false};
}

// False: the kernel refuses to have them touched. They are free as before.
bool PageHeap::use_pages(Region* region, std::size_t first, std::size_t count) noexcept {
  const bool settled = is_filed(*region);
  const bool begins =
      region->state == RegionState::kReserved || region->used_pages == tail_pages(*region);
  unfile(region);
  if (!unguard_pages(*region, first, count)) {
    file(region);
    return false;
  }
  const std::size_t dirty = region->touched.count(first, count);
  region->free.clear_range(first, count);
  region->aged.clear_range(first, count);
  const bool closes = begins && close_region(region);
  if (!settled || closes) {
    file(region);
    return true;
  }
  used_pages_ += count;
  dirty_pages_ -= dirty;
  region->used_pages = static_cast<std::uint16_t>(region->used_pages + count);
  region->dirty_pages = static_cast<std::uint16_t>(region->dirty_pages - dirty);
  demand_.note(used_pages_);
  file_range(region, first, count);
  return true;
}

void PageHeap::free_pages(Region* region, std::size_t first, std::size_t count,
                          std::size_t touched) noexcept {
  const bool settled = is_filed(*region);
  unfile(region);
  region->free.set_range(first, count);
  region->touched.set_range(first, touched);
  // Not only of these pages: a larger kernel page may just have become all free.
  if (!(region->free & region->touched).none()) region->arena->dirty.set(region->index);
  const std::size_t left = kPagesPerRegion - region->free_pages - count;
  const bool empties = left == (region->closed ? tail_pages(*region) + 1 : 0);
  if (!settled || empties) return file(region);
  const std::size_t dirty = region->touched.count(first, count);
  used_pages_ -= count;
  dirty_pages_ += dirty;
  region->used_pages = static_cast<std::uint16_t>(region->used_pages - count);
  region->dirty_pages = static_cast<std::uint16_t>(region->dirty_pages + dirty);
  const std::size_t run = region->free.run_around(first);
  if (run > region->longest) region->longest = static_cast<std::uint16_t>(run);
  file_range(region, first, count);
}

// Whether what follows from `free` is known of the region, and its sums are right.
bool PageHeap::is_filed(const Region& region) noexcept {
  return region.state == RegionState::kShared && !region.sparse && !region.hugetlb &&
         region.used_pages + region.free_pages == kPagesPerRegion && region.used_pages != 0;
}

// As file(), after a change in a range of pages that the sums know of already.
void PageHeap::file_range(Region* region, std::size_t first, std::size_t count) noexcept {
  region->free_pages = static_cast<std::uint16_t>(kPagesPerRegion - region->used_pages);
  for (std::size_t i = first / 64; i <= (first + count - 1) / 64; ++i) {
    const GranuleSet eight = GranuleSet{0xff} << i * 8;
    const GranuleSet whole = whole_granules(region->free.word(i)) << i * 8;
    const GranuleSet warm = whole & part_granules(region->touched.word(i)) << i * 8;
    region->free_granules = (region->free_granules & ~eight) | whole;
    region->warm_granules = (region->warm_granules & ~eight) | warm;
  }
  enlist(region);
}

void PageHeap::enlist(Region* region) noexcept {
  region->list = kNoList;
  if (region->free_pages == 0 || region->longest == 0) return;
  region->list = static_cast<std::uint8_t>(list_of(region->longest));
  lists_[region->list].push_front(region);
  region->arena->filed[region->list].set(region->index);
}

// Brings the sums up to date with what has become of a region.
void PageHeap::recount(Region* region) noexcept {
  const auto used = static_cast<std::uint16_t>(kPagesPerRegion - region->free.count());
  const std::size_t touched = (region->free & region->touched).count();
  const auto dirty = static_cast<std::uint16_t>(region->sparse || region->hugetlb ? 0 : touched);
  used_pages_ += std::size_t{used} - region->used_pages;
  dirty_pages_ += std::size_t{dirty} - region->dirty_pages;
  region->used_pages = used;
  region->dirty_pages = dirty;
  demand_.note(used_pages_);
}

// Brings what follows from `free` up to date, and puts the region into its list;
// a region that is all free goes back to its arena.
void PageHeap::file(Region* region) noexcept {
  recount(region);
  if (region->closed && region->used_pages == tail_pages(*region) + 1) {
    reopen_region(region);
    recount(region);
  }
  region->free_pages = static_cast<std::uint16_t>(kPagesPerRegion - region->used_pages);
  if (region->free_pages == kPagesPerRegion) return put_regions(region, 1);
  region->longest = static_cast<std::uint16_t>(region->free.longest_run());
  region->free_granules = whole_granules(region->free);
  region->warm_granules = region->free_granules & part_granules(region->touched);
  enlist(region);
}

void PageHeap::unfile(Region* region) noexcept {
  if (region->state == RegionState::kShared && region->list != kNoList) {
    lists_[region->list].remove(region);
    region->arena->filed[region->list].clear(region->index);
  }
  if (region->state == RegionState::kReserved) region->state = RegionState::kShared;
  region->list = kNoList;
  region->sparse = false;
}

void PageHeap::verify() noexcept {
  for_each_region([](Region* region) {
    if (region->state != RegionState::kShared) return;
    LUNA_CHECK(region->free_pages == region->free.count());
    LUNA_CHECK(region->longest >= region->free.longest_run());
    LUNA_CHECK(region->used_pages + region->free_pages == kPagesPerRegion);
    LUNA_CHECK(region->sparse || region->hugetlb ||
               region->dirty_pages == (region->free & region->touched).count());
    LUNA_CHECK(region->free_granules == whole_granules(region->free));
    LUNA_CHECK(region->warm_granules == (region->free_granules & part_granules(region->touched)));
    LUNA_CHECK(!region->closed || (region->guards.test(kPagesPerRegion - 1) &&
                                   !region->free.test(kPagesPerRegion - 1)));
    for (std::size_t page = 0, starts = 0; page < kPagesPerRegion; ++page) {
      if (page % kPagesPerGranule == 0) starts = 0;
      if (region->run[page] != kNoRun && (region->run[page] & kSpanTail) == 0) ++starts;
      LUNA_CHECK(starts <= 1);
    }
    for (std::size_t i = 0; i < kRegionLists; ++i)
      LUNA_CHECK(region->arena->filed[i].test(region->index) == (i == region->list));
    PageSet stray = region->aged;
    stray.remove(region->free & region->touched);
    LUNA_CHECK(stray.none());
  });
}

}  // namespace luna
