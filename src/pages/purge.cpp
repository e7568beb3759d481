// SPDX-License-Identifier: MIT
// When free pages go back to the kernel: a sweep passes over the regions twice
// in each decay time; pages that were free and touched at one pass, and still
// are at the next, are given back.
#include "base/align.hpp"
#include "base/check.hpp"
#include "os/memory.hpp"
#include "pages/page_heap.hpp"

namespace luna {

namespace {

// A step purges at most this much (about 2 ms of system calls), and steps are
// this far apart, so that no allocation waits long: about 1.6 GiB a second.
constexpr std::size_t kStepPages = 4096;
constexpr std::uint64_t kStepMs = 10;

// Dirty memory that is never worth a system call before it decays (8 MiB).
constexpr std::size_t kMinDirtyPages = 2048;

// While waves go on, demand is looked at so often between two sweeps.
constexpr std::uint64_t kLooksPerInterval = 10;

// Fresh pages are paid for by so many at once.
constexpr std::size_t kMinBalancedPages = 64;

// By then all that was free is given back, or in use again: after so many decay times,
// and so long besides.
constexpr std::uint64_t kQuietDecays = 4;
constexpr std::uint64_t kMinQuietMs = 1000;

// A huge page is split only for so many free pages of it, unless by trim.
constexpr std::size_t kPagesWorthAHugePage = kPagesPerRegion / 16;

// The kernel's pages that hold some page of `wanted` and none that is not in
// `free`; as pages of ours. Those of them that nobody wrote to are given back
// along with the others: the kernel backs its page as a whole.
[[nodiscard]] PageSet whole_kernel_pages(const PageSet& free, const PageSet& wanted) noexcept {
  const std::size_t unit = os::page_bytes() / kPageBytes;
  if (unit == 1) return wanted;
  PageSet result;
  for (std::size_t at = wanted.find_set(0); at < kPagesPerRegion;) {
    const std::size_t first = round_down(at, unit);
    if (free.all(first, unit)) result.set_range(first, unit);
    at = wanted.find_set(first + unit);
  }
  return result;
}

// The first of the pages from `at` on, in runs as they are, until there are `count` or more. Then
// `at` is behind them, at the end of the region if there are fewer.
[[nodiscard]] PageSet first_runs(const PageSet& pages, std::size_t count,
                                 std::size_t& at) noexcept {
  PageSet result;
  for (std::size_t found = 0; found < count && (at = pages.find_set(at)) != PageSet::kNone;) {
    const std::size_t end = pages.find_clear(at);
    result.set_range(at, end - at);
    found += end - at;
    at = end;
  }
  return result;
}

// Adds what is handed out of a region, block by block.
void count_blocks(const Region& region, PageUsage& usage) noexcept {
  if (region.state == RegionState::kSpanHead) {
    ++usage.large_blocks;
    usage.large_bytes += region.span_pages * kPageBytes;
  }
  if (region.state != RegionState::kShared) return;
  for (const std::uint16_t run : region.run) {
    if (run == kNoRun || (run & kSpanTail) != 0) continue;
    const std::size_t bytes = (run & kRunLengthMask) * kPageBytes;
    if ((run & kGranuleRun) != 0) {
      usage.slabs += bytes;
    } else {
      ++usage.large_blocks;
      usage.large_bytes += bytes;
    }
  }
}

}  // namespace

void PageHeap::tick(std::uint64_t now_ms, std::uint64_t decay_ms) noexcept {
  std::uint64_t due = next_step_ms_.load(std::memory_order_relaxed);
  if (now_ms < due) return;
  if (!next_step_ms_.compare_exchange_strong(due, now_ms + kStepMs, std::memory_order_relaxed))
    return;
  if (!lock_.try_lock()) return;
  const std::uint64_t interval = decay_ms / 2;
  const bool was_waiting = demand_.expected() != 0;
  demand_.look(now_ms, decay_ms, used_pages_);
  const bool waited_in_vain = was_waiting && demand_.expected() == 0;
  if (!sweeping_ && (waited_in_vain || now_ms - sweep_began_ms_ >= interval)) {
    give_up_recent(true);
    sweeping_ = true;
    sweep_began_ms_ = now_ms;
    sweep_at_ = 0;
    if (!huge_.passing) begin_collapse_pass();
  }
  if (sweeping_) sweeping_ = sweep_step(kStepPages);
  collapse_when_due(now_ms);
  if (is_quiet()) {
    if (quiet_since_ms_ == 0) quiet_since_ms_ = now_ms;
    const std::uint64_t quiet_ms = kQuietDecays * decay_ms + kMinQuietMs;
    const bool waits = demand_.expected() != 0;
    if (dirty_pages_ <= kMinDirtyPages || (now_ms - quiet_since_ms_ > quiet_ms && !waits))
      quiet_.store(false, std::memory_order_relaxed);
  }
  if (!sweeping_ && !huge_.passing && interval > kStepMs) {
    const std::uint64_t next = sweep_began_ms_ + interval;
    const std::uint64_t look = now_ms + interval / kLooksPerInterval;
    // Not if look_again() was called meanwhile, for `decay_ms` may be that of before.
    std::uint64_t planned = now_ms + kStepMs;
    // pairs with the release in look_again()
    next_step_ms_.compare_exchange_strong(planned, demand_.is_waving() && look < next ? look : next,
                                          std::memory_order_acq_rel, std::memory_order_relaxed);
  }
  lock_.unlock();
}

void PageHeap::forget_work_after_fork() noexcept {
  balancing_ = false;
  if (huge_.next_ms == UINT64_MAX) huge_.next_ms = 0;
  for (Arena* arena = arenas_; arena != nullptr; arena = arena->next) {
    for (std::size_t at = arena->free.find_clear(0); at < arena->regions;
         at = arena->free.find_clear(at + 1)) {
      Region* region = arena->region(at);
      if (region->moving) region->moving = false;
      if (region->collapsing) region->collapsing = false;  // tested first: pages are shared yet
      if (region->purges != 0) region->purges = 0;
    }
  }
}

void PageHeap::expect_quiet() noexcept {
  os::ScopedLock guard(lock_);
  if (dirty_pages_ <= kMinDirtyPages) return;
  quiet_since_ms_ = 0;
  quiet_.store(true, std::memory_order_relaxed);
}

// Dirty memory is worth keeping as far as the program had it in use a moment
// ago and so may want it again, and half of what it uses besides, since not every
// request fits what lies free; or a little. All within the hard limit.
std::size_t PageHeap::allowed_dirty_pages() const noexcept {
  const std::size_t demand = demand_.recent_peak() - used_pages_ + used_pages_ / 2;
  const std::size_t allowed = demand > kMinDirtyPages ? demand : kMinDirtyPages;
  const std::size_t used = in_use_pages();
  const std::size_t left = used < limit_pages_ ? limit_pages_ - used : 0;
  return allowed < left ? allowed : left;
}

// Who takes untouched pages while touched ones lie free elsewhere, too short or
// too scattered, gives as many of those back: so that the process does not grow
// beyond what it lately had in use at once. A page purged costs a fraction of
// the page fault that the fresh one will.
void PageHeap::balance(std::size_t fresh_pages) noexcept {
  note_growth(fresh_pages);
  fresh_pages_ += fresh_pages;
  if (fresh_pages_ < kMinBalancedPages || balancing_) return;
  const std::size_t fresh = fresh_pages_;
  const std::size_t allowed = allowed_dirty_pages();
  fresh_pages_ = 0;
  if (dirty_pages_ <= allowed) return;
  const std::size_t surplus = dirty_pages_ - allowed;
  balancing_ = true;
  give_back(surplus < fresh ? surplus : fresh);
  balancing_ = false;
}

// Under the lock.
void PageHeap::note_growth(std::size_t pages) noexcept {
  const std::size_t grown = grown_pages_.load(std::memory_order_relaxed);
  grown_pages_.store(grown + pages, std::memory_order_relaxed);
}

// Makes room for so many pages, that are backed at once, by what is free.
void PageHeap::keep_to_limit(std::size_t pages) noexcept {
  const std::size_t used = in_use_pages() + pages;
  const std::size_t left = used < limit_pages_ ? limit_pages_ - used : 0;
  if (dirty_pages_ > left) give_back(dirty_pages_ - left);
}

// The first region from an address on of which free pages may be touched; nullptr: none.
Region* PageHeap::next_dirty(std::uintptr_t from) const noexcept {
  for (Arena* arena = arenas_; arena != nullptr; arena = arena->next) {  // by rising address
    const std::uintptr_t begin = address_of(arena->memory);
    const std::size_t skipped = from > begin ? regions_for((from - begin) / kPageBytes) : 0;
    if (skipped >= arena->regions) continue;
    const std::size_t at = arena->dirty.find_set(skipped);
    if (at < arena->regions) return arena->region(at);
  }
  return nullptr;
}

// Goes on where it ended the last time, once around at most: were it always the same pages that go,
// they would be handed out next, and had again one by one.
void PageHeap::give_back(std::size_t pages) noexcept {
  const std::uintptr_t began_at = round_down(give_back_at_, kRegionBytes);
  bool wrapped = false;
  for (std::size_t purged = 0; purged < pages;) {
    Region* region = next_dirty(round_down(give_back_at_, kRegionBytes));
    if (region == nullptr && !wrapped) {
      wrapped = true;
      give_back_at_ = 0;
      continue;
    }
    if (region == nullptr || (wrapped && address_of(region->memory) > began_at)) return;
    const std::uintptr_t begin = address_of(region->memory);
    std::size_t at = give_back_at_ > begin ? (give_back_at_ - begin) / kPageBytes : 0;
    PageSet dirty = dirty_of(region);
    if (region->huge && dirty.count() < kPagesWorthAHugePage) dirty = {};
    purged += purge_pages(region, first_runs(dirty, pages - purged, at));
    give_back_at_ = begin + at * kPageBytes;
  }
}

// Free pages that can be given back. A region left with none but parts of kernel pages is looked at
// again after the next free.
PageSet PageHeap::dirty_of(Region* region) noexcept {
  if (region->collapsing) return {};
  PageSet dirty = whole_kernel_pages(region->free, region->free & region->touched);
  if (region->hugetlb) dirty = {};
  if (dirty.none()) region->arena->dirty.clear(region->index);
  return dirty;
}

// Whether the next wave, if there are any, will want all that is dirty.
bool PageHeap::is_expected_back() const noexcept {
  return used_pages_ + dirty_pages_ <= demand_.expected();
}

// Goes on with the sweep until it has purged about `budget_pages`. False when
// it has passed over everything.
bool PageHeap::sweep_step(std::size_t budget_pages) noexcept {
  std::size_t purged = 0;
  while (Region* region = next_dirty(sweep_at_)) {
    sweep_at_ = address_of(region->memory) + kRegionBytes;
    const PageSet dirty = region->free & region->touched;
    if (dirty.none()) region->arena->dirty.clear(region->index);
    PageSet young = dirty;
    young.remove(region->aged);
    PageSet rested = region->free;
    rested.remove(young);
    const PageSet old = whole_kernel_pages(rested, dirty & region->aged);
    region->aged = dirty;
    if (region->hugetlb || region->collapsing) continue;
    if (region->huge && old.count() < kPagesWorthAHugePage) continue;
    if (!old.none() && !is_expected_back()) purged += purge_pages(region, old);
    if (purged >= budget_pages) return true;
  }
  return false;
}

// Gives `pages` of a region back, which are whole kernel pages. They are taken
// out of it meanwhile, since the lock is not held during the system calls; the
// lock is held again on return.
std::size_t PageHeap::purge_pages(Region* region, const PageSet& pages) noexcept {
  if (pages.none()) return 0;
  const bool whole = region->state == RegionState::kReserved;
  // Lest khugepaged bring back what is given back now.
  if (region->huge) forbid_huge_page(region);
  if (whole) region->arena->free.clear(region->index);
  unfile(region);
  region->free.remove(pages);
  region->aged.remove(pages);
  const std::size_t high = demand_.high();
  file(region);
  demand_.set_high(high);  // they are not in use, they are only taken out
  PageSet left = pages;
  const std::size_t purging = pages.count();
  purging_pages_ += purging;
  ++region->purges;
  lock_.unlock();
  const std::size_t purged = purge_runs(region, left);
  lock_.lock();
  --region->purges;
  purging_pages_ -= purging;
  unfile(region);
  region->free.add(pages);
  region->touched.remove(pages);
  region->touched.add(left);
  file(region);
  return purged;
}

// Purges the runs of pages in the set, which are whole kernel pages; leaves in
// the set what could not be given back.
std::size_t PageHeap::purge_runs(Region* region, PageSet& pages) noexcept {
  std::size_t purged = 0;
  std::size_t start = pages.find_set(0);
  while (start < kPagesPerRegion) {
    const std::size_t end = pages.find_clear(start);
    if (os::purge(region->memory + start * kPageBytes, (end - start) * kPageBytes)) {
      pages.clear_range(start, end - start);
      note_purge(end - start);
      purged += end - start;
    }
    start = pages.find_set(end);
  }
  return purged;
}

bool PageHeap::exceeds_limit(std::size_t pages) noexcept {
  return pages > limit_pages_ || in_use_pages() > limit_pages_ - pages ||
         !charge_.covers((in_use_pages() + pages) * kPageBytes);
}

std::size_t PageHeap::trim(std::size_t keep_bytes) noexcept {
  settle_recent();
  os::ScopedLock guard(lock_);
  std::size_t kept = 0;
  std::size_t purged = 0;
  for (Arena* arena = arenas_; arena != nullptr; arena = arena->next) {
    for (std::size_t at = arena->dirty.find_set(0); at < arena->regions;
         at = arena->dirty.find_set(at + 1)) {
      Region* region = arena->region(at);
      const std::size_t bytes = (region->free & region->touched).count() * kPageBytes;
      const bool keeps = kept + bytes <= keep_bytes;
      if (keeps) kept += bytes;
      if (!keeps || bytes == 0) purged += purge_pages(region, dirty_of(region));
    }
  }
  return purged * kPageBytes;
}

PageTotals PageHeap::totals() noexcept {
  os::ScopedLock guard(lock_);
  return {in_use_pages() * kPageBytes, (dirty_pages_ + purging_pages_) * kPageBytes};
}

PageUsage PageHeap::usage() noexcept {
  settle_recent();
  PageUsage result;
  {
    os::ScopedLock guard(lock_);
    result.large_blocks = huge_blocks_;
    result.large_bytes = huge_pages_ * kPageBytes;
    result.used = result.reserved = result.committed = result.large_bytes;
    for_each_arena([&](const Arena& arena) noexcept {
      result.reserved += arena.regions * kRegionBytes;
      result.metadata += arena.metadata_bytes;
    });
  }
  for_each_region_in_turn([](const std::byte*) noexcept {},
                          [&](const Region& region) noexcept {
                            result.committed += kRegionBytes;
                            result.used += kRegionBytes - region.free.count() * kPageBytes;
                            result.dirty += (region.free & region.touched).count() * kPageBytes;
                            count_blocks(region, result);
                          });
  return result;
}

}  // namespace luna
