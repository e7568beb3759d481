// SPDX-License-Identifier: MIT
// Huge pages, once the heap is so large that the translation of addresses costs more
// than what they may waste. Fresh regions of slabs and runs get theirs at once;
// regions that have filled up are collapsed into one, at a bounded rate: those from
// before, and those of spans, of which nobody knows at first how much will be touched.
#include "base/check.hpp"
#include "os/clock.hpp"
#include "os/memory.hpp"
#include "pages/guards.hpp"
#include "pages/page_heap.hpp"

#include <array>

namespace luna {

namespace {

// Fresh regions that go without after the kernel had no huge page, or took so long
// to make one that it must have moved others about for it.
constexpr std::size_t kPause = 64;
constexpr std::uint64_t kSlowNanoseconds = 20'000'000;

// A region is collapsed if no more of its pages are free, or not backed: far fewer
// than the sweep needs to split it again.
constexpr std::size_t kMaxMissingPages = 8;

// Each stretch is a kernel mapping, and so is what lies between two, of which a
// process may have 65,530.
constexpr std::size_t kMaxIslands = 4000;

// A pass begins with each sweep, and with so many fresh regions.
constexpr std::size_t kFreshRegionsPerPass = 64;

// The pass looks at so many regions in one step, and rests after a collapse for so
// many times as long as it took.
constexpr int kRegionsPerStep = 16;
constexpr std::uint64_t kRestPerWork = 20;

// The pass ends when the kernel refused so many in a row.
constexpr int kMaxRefusals = 8;

// Whether nearly all of a region in use is backed, as far as it may be told without
// the kernel.
[[nodiscard]] bool may_collapse(const Region& region) noexcept {
  if (region.huge || region.hugetlb || region.collapsing || region.purges != 0) return false;
  if (region.guards.count() != std::size_t{region.closed}) return false;  // a block ends here
  if (region.state == RegionState::kShared) return region.free_pages <= kMaxMissingPages;
  if (region.state != RegionState::kSpanHead && region.state != RegionState::kSpanBody)
    return false;
  const Region& head = region.state == RegionState::kSpanHead ? region : *region.span_head;
  return !head.moved && !head.moving;
}

[[nodiscard]] bool is_backed(const Region& region) noexcept {
  std::array<unsigned char, kPagesPerRegion> backed;
  if (!os::find_resident(region.memory, kRegionBytes, backed.data())) return false;
  std::size_t missing = 0;
  for (const unsigned char byte : backed) missing += (byte & 1U) ^ 1U;
  return missing <= kMaxMissingPages;
}

}  // namespace

void PageHeap::set_huge_threshold(std::size_t mebibytes) noexcept {
  constexpr std::size_t kPagesPerMebibyte = (std::size_t{1} << 20) / kPageBytes;
  const bool ever = mebibytes != 0 && mebibytes < SIZE_MAX / kPagesPerMebibyte;
  os::ScopedLock guard(lock_);
  huge_.threshold = ever ? mebibytes * kPagesPerMebibyte : SIZE_MAX;
}

// To be called when the kernel began or ceased to back a region by a huge page.
void PageHeap::note_huge(Region* region, bool huge) noexcept {
  if (region->huge == huge) return;
  region->huge = huge;
  Arena* arena = region->arena;
  const std::size_t at = region->index;
  const bool left = at > 0 && arena->region(at - 1)->huge;
  const bool right = at + 1 < arena->regions && arena->region(at + 1)->huge;
  const std::size_t neighbours = std::size_t{left} + std::size_t{right};
  huge_.islands += huge ? 1 - neighbours : neighbours - 1;  // modulo 2^64 both are right
}

void PageHeap::forbid_huge_page(Region* region) noexcept {
  os::forbid_huge_pages(region->memory, kRegionBytes);
  note_huge(region, false);
}

// Lest khugepaged bring back what is given back.
bool PageHeap::may_purge(const void* granule) noexcept {
  os::ScopedLock guard(lock_);
  Region* region = window_.region_of(granule);
  if (region->huge) forbid_huge_page(region);
  return !region->hugetlb;
}

bool PageHeap::wants_huge_pages() const noexcept {
  return used_pages_ >= huge_.threshold && huge_.islands < kMaxIslands &&
         os::page_bytes() == kPageBytes;
}

// Requires: the region was just taken, so that nobody else knows of it. The lock
// is not held while the kernel clears the huge page.
void PageHeap::try_huge_page(Region* region) noexcept {
  if (!region->touched.none() || region->hugetlb || !wants_huge_pages()) return;
  if (huge_.pause != 0) {
    --huge_.pause;
    return;
  }
  if (!unguard_pages(*region, 0, kPagesPerRegion)) return;
  lock_.unlock();
  const std::uint64_t began = os::nanoseconds();
  const bool huge = os::back_with_huge_page(region->memory, kRegionBytes);
  const bool slow = os::nanoseconds() - began > kSlowNanoseconds;
  lock_.lock();
  huge_.given = huge;
  if (!huge || slow) huge_.pause = kPause;
  // Who grows fast shall not wait for the clock.
  if (huge && !huge_.passing && huge_.fresh++ % kFreshRegionsPerPass == 0) begin_collapse_pass();
  note_huge(region, huge);
  // Gives up the lock again, so nothing may tell of free pages to purge here yet.
  if (huge && huge_.passing) static_cast<void>(collapse_step());
  region->touched.set_range(0, huge ? kPagesPerRegion : 1);
  region->warm_granules = part_granules(region->touched);
  region->arena->dirty.set(region->index);
}

void PageHeap::begin_collapse_pass() noexcept {
  // Nobody is asked anew whether there are huge pages: under `never` the kernel would
  // collapse regions all the same.
  huge_.passing = huge_.given && wants_huge_pages();
  huge_.refusals = 0;
  if (huge_.arena != nullptr) return;  // the last one ended early: on from there
  huge_.arena = arenas_;
  huge_.region = 0;
}

// Goes on with the pass when it is time to.
void PageHeap::collapse_when_due(std::uint64_t now_ms) noexcept {
  if (!huge_.passing || now_ms < huge_.next_ms) return;
  huge_.next_ms = UINT64_MAX;  // nobody else meanwhile
  const std::uint64_t took = collapse_step();
  huge_.next_ms = now_ms + kRestPerWork * took / 1'000'000;
}

// Collapses the next region that is in use and backed as a whole, if there is one among
// the next few. Returns the nanoseconds that it took.
std::uint64_t PageHeap::collapse_step() noexcept {
  if (!wants_huge_pages()) huge_.arena = nullptr;
  for (int looked = 0; looked < kRegionsPerStep; ++looked) {
    while (huge_.arena != nullptr && huge_.region >= huge_.arena->regions) {
      huge_.arena = huge_.arena->next;
      huge_.region = 0;
    }
    if (huge_.arena == nullptr) break;
    const std::size_t at = huge_.region++;
    if (huge_.arena->free.test(at)) continue;
    Region* region = huge_.arena->region(at);
    if (may_collapse(*region) && is_backed(*region)) return collapse(region);
  }
  if (huge_.arena == nullptr) huge_.passing = false;
  return 0;
}

// The lock is not held meanwhile, and anything may become of the region but that free
// pages of it are purged: whoever forbids the huge page then is the one who is right.
std::uint64_t PageHeap::collapse(Region* region) noexcept {
  if (region->closed) {
    unfile(region);
    reopen_region(region);
    file(region);
  }
  if (!unguard_pages(*region, 0, kPagesPerRegion)) return 0;
  note_huge(region, true);
  region->collapsing = true;
  lock_.unlock();
  const std::uint64_t began = os::nanoseconds();
  const bool done = os::collapse_to_huge_page(region->memory, kRegionBytes);
  const std::uint64_t took = os::nanoseconds() - began;
  lock_.lock();
  region->collapsing = false;
  // One refusal says little: it may be what the program did with the region meanwhile.
  huge_.refusals = done ? 0 : huge_.refusals + 1;
  if (huge_.refusals == kMaxRefusals) huge_.passing = false;
  if (!done || !region->huge) forbid_huge_page(region);
  note_backed(region);  // if refused too: who touched a page meanwhile had a whole huge one
  return took;
}

// What lay free in the region, or lies free by now, is backed too. Of a span all is taken
// for that when it is freed; and nothing may be known to purge of a region that somebody
// is about to take.
void PageHeap::note_backed(Region* region) noexcept {
  Arena* arena = region->arena;
  const bool shared = region->state == RegionState::kShared;
  if (!shared && !arena->free.test(region->index)) return;
  if (shared) unfile(region);
  region->touched.set_range(0, kPagesPerRegion);
  arena->dirty.set(region->index);
  if (shared) return file(region);
  put_regions(region, 1);
}

}  // namespace luna
