// SPDX-License-Identifier: MIT
// Blocks of more than a region. A span fills regions in a row; what its last
// one has to spare serves runs and slabs. Blocks that no arena can hold are
// huge: mapped by themselves.
#include "base/check.hpp"
#include "os/memory.hpp"
#include "pages/guards.hpp"
#include "pages/page_heap.hpp"

#include <array>
#include <cstring>
#include <new>

namespace luna {

namespace {

// Where a span is looked at to see whether it was used, how many pages at each
// place, and how many of all of them may be backed in one that was not.
constexpr std::size_t kSamples = 8;
constexpr std::size_t kSampledPages = 4;
constexpr std::size_t kSparsePages = 4;

// One free of a span in so many is looked at.
constexpr std::size_t kFreesPerLook = 8;

// Programs write to the first page of most blocks, so it tells nothing.
[[nodiscard]] std::byte* sample_of(const Region& head, std::size_t i) noexcept {
  const std::size_t stride = head.span_pages / kSamples;
  return head.memory + (i * stride + stride / 2) * kPageBytes;
}

// Whether all pages of a span can be given back, and be had again one by one.
[[nodiscard]] bool is_renewable(const Region* head, std::size_t regions) noexcept {
  if (head->arena->hugetlb || os::page_bytes() != kPageBytes) return false;
  for (std::size_t i = 0; i < regions; ++i)
    if (head[i].huge || head[i].collapsing) return false;
  return true;
}

void clear_span(Region* head, std::size_t pages) noexcept {
  for (std::size_t page = 0; page < pages; page += kPagesPerRegion) {
    Region* region = head + page / kPagesPerRegion;
    const std::size_t used = pages - page < kPagesPerRegion ? pages - page : kPagesPerRegion;
    std::size_t dirty = region->touched.find_set(0);
    while (dirty < used) {
      std::size_t end = region->touched.find_clear(dirty);
      if (end > used) end = used;
      std::memset(region->memory + dirty * kPageBytes, 0, (end - dirty) * kPageBytes);
      dirty = region->touched.find_set(end);
    }
  }
}

}  // namespace

void* PageHeap::take_span(std::size_t pages, std::size_t alignment_pages, bool zero) noexcept {
  const std::size_t regions = regions_for(pages);
  const std::size_t alignment =
      alignment_pages > kPagesPerRegion ? alignment_pages / kPagesPerRegion : 1;
  if (regions + alignment - 1 > kMaxArenaRegions) return take_huge(pages, alignment);

  lock_.lock();
  Region* head = exceeds_limit(pages) ? nullptr : take_regions(regions, alignment);
  if (head != nullptr && !unguard_regions(head, regions)) {
    put_regions(head, regions);
    head = nullptr;
  }
  if (head == nullptr) {
    settle_charge();
    lock_.unlock();
    return nullptr;
  }
  std::size_t fresh = pages;
  for (std::size_t i = 0; i < regions; ++i) {
    const std::size_t left = pages - i * kPagesPerRegion;
    fresh -= head[i].touched.count(0, left < kPagesPerRegion ? left : kPagesPerRegion);
    fill_region(head + i, head);
  }
  head->state = RegionState::kSpanHead;
  head->span_pages = pages;
  head->moved = false;
  head->given_back = false;
  head->zeros = zero && fresh == pages ? Zeros::kFresh : Zeros::kNone;
  if (zero && fresh != pages && is_renewable(head, regions)) {
    if (sparse_zeros_.are_sparse()) {
      head->zeros = Zeros::kFresh;
    } else if (sparse_zeros_.is_probe_due()) {
      head->zeros = Zeros::kProbed;
    }
  }
  lock_.unlock();

  // Nobody else knows of the span yet, so its pages are cleared without the lock.
  if (zero && fresh != pages) fresh = make_zeros(head, pages, fresh);
  os::ScopedLock guard(lock_);
  split_tail(head, pages);
  balance(fresh);
  settle_charge();
  return head->memory;
}

// Returns how many of the pages are fresh then.
std::size_t PageHeap::make_zeros(Region* head, std::size_t pages, std::size_t fresh) noexcept {
  if (head->zeros == Zeros::kFresh && os::purge(head->memory, pages * kPageBytes)) {
    note_purge(pages);
    return pages;
  }
  clear_span(head, pages);
  if (head->zeros != Zeros::kProbed) {
    head->zeros = Zeros::kNone;
    return fresh;
  }
  for (std::size_t i = 0; i < kSamples; ++i)
    if (!os::purge(sample_of(*head, i), kSampledPages * kPageBytes)) head->zeros = Zeros::kNone;
  return fresh;
}

// Gives a whole region, which has no guards, to the span that starts at `head`.
void PageHeap::fill_region(Region* region, Region* head) noexcept {
  region->state = RegionState::kSpanBody;
  region->span_head = head;
  region->free.clear_range(0, kPagesPerRegion);
  region->aged.clear_range(0, kPagesPerRegion);
  region->sparse = false;
  recount(region);
}

// Lets others have what the last region of a span of `pages` pages can spare.
// A span of one region keeps it whole: only large alignments make such.
void PageHeap::split_tail(Region* head, std::size_t pages) noexcept {
  const std::size_t used = pages % kPagesPerRegion;
  Region* tail = head + pages / kPagesPerRegion;
  if (used == 0 || tail == head) return;
  tail->state = RegionState::kShared;
  tail->run[0] = static_cast<std::uint16_t>(used | kSpanTail);
  tail->free.set_range(used, kPagesPerRegion - used);
  if (!tail->touched.none()) tail->arena->dirty.set(tail->index);
  tail->list = kNoList;
  file(tail);
}

// Of a span that is about to be freed: gives its pages back at once if few of
// them seem ever to have been touched, for then they are cheap to have again,
// and kept they would add up. Looks at a sample, since asking for every page
// costs more than it tells. Called without the lock: the span is still its
// program's. True: pages are touched.
bool PageHeap::settle_span(const Region* head) noexcept {
  if (head->moved || head->arena->hugetlb || os::page_bytes() != kPageBytes) return true;
  if (head->given_back) return false;
  // Others are taken to be as the last one looked at; what is kept goes after the
  // decay time anyway.
  const bool news = head->zeros != Zeros::kNone && !sparse_zeros_.are_sparse();
  if (!news && freed_spans_.fetch_add(1, std::memory_order_relaxed) % kFreesPerLook != 0)
    return true;
  std::size_t resident = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    std::array<unsigned char, kSampledPages> backed;
    if (!os::find_resident(sample_of(*head, i), kSampledPages * kPageBytes, backed.data()))
      return true;
    for (const unsigned char byte : backed) resident += byte & 1U;
  }
  const bool sparse = resident <= kSparsePages;
  if (head->zeros != Zeros::kNone) sparse_zeros_.note(sparse);
  if (head->zeros == Zeros::kProbed) return true;  // most of its pages were cleared
  spans_are_sparse_.store(sparse, std::memory_order_relaxed);
  if (!sparse) return true;
  if (!os::purge(head->memory, head->span_pages * kPageBytes)) return true;
  note_purge(head->span_pages);
  return false;
}

void PageHeap::note_given_back(const void* memory) noexcept {
  Region* region = window_.region_of(memory);
  if (region->state != RegionState::kSpanHead) return;
  region->given_back = true;
  note_purge(region->span_pages);
}

// Takes a whole region away from its span.
void PageHeap::drop_region(Region* region, bool touched) noexcept {
  region->sparse = touched && spans_are_sparse_.load(std::memory_order_relaxed);
  region->free.set_range(0, kPagesPerRegion);
  if (touched) {
    region->touched.set_range(0, kPagesPerRegion);
    region->arena->dirty.set(region->index);
  } else {
    region->touched.clear_range(0, kPagesPerRegion);
    if (region->huge) forbid_huge_page(region);
  }
  put_regions(region, 1);
}

// Takes the pages of the tail from `first` to `end` away from the span.
void PageHeap::drop_tail(Region* tail, std::size_t first, std::size_t end, bool touched) noexcept {
  tail->run[0] = first == 0 ? kNoRun : static_cast<std::uint16_t>(first | kSpanTail);
  if (first == 0) tail->span_head = nullptr;
  if (!touched) tail->touched.clear_range(first, end - first);
  free_pages(tail, first, end - first, touched ? end - first : 0);
}

void PageHeap::put_span(Region* head, bool touched) noexcept {
  const std::size_t pages = head->span_pages;
  if (head->moved) {
    // Only a fresh mapping merges with its neighbours again.
    static_cast<void>(unguard_end(head, pages));
    touched = !os::renew(head->memory, pages * kPageBytes);
    head->moved = false;
    window_.forget_moved_span();
  }
  const std::size_t full = pages / kPagesPerRegion;
  if (full == 0) return drop_region(head, touched);
  if (pages % kPagesPerRegion != 0) drop_tail(head + full, 0, pages % kPagesPerRegion, touched);
  for (std::size_t i = full; i-- > 0;) drop_region(head + i, touched);
}

bool PageHeap::resize_span(Region* head, std::size_t pages) noexcept {
  if (head->span_pages <= kPagesPerRegion) return pages == head->span_pages;
  if (pages > head->span_pages && !grow_span(head, pages)) return false;
  if (pages < head->span_pages) shrink_span(head, pages);
  head->span_pages = pages;
  head->zeros = Zeros::kNone;  // it would be looked at elsewhere now
  return true;
}

void PageHeap::shrink_span(Region* head, std::size_t pages) noexcept {
  const std::size_t old_full = head->span_pages / kPagesPerRegion;
  const std::size_t old_used = head->span_pages % kPagesPerRegion;
  const std::size_t full = pages / kPagesPerRegion;
  const std::size_t used = pages % kPagesPerRegion;
  if (old_used != 0) drop_tail(head + old_full, full == old_full ? used : 0, old_used, true);
  if (full == old_full) return;

  for (std::size_t i = old_full; i-- > regions_for(pages);) drop_region(head + i, true);
  if (used == 0) return;
  head[full].touched.set_range(used, kPagesPerRegion - used);
  split_tail(head, pages);
}

bool PageHeap::grow_span(Region* head, std::size_t pages) noexcept {
  if (exceeds_limit(pages - head->span_pages)) return false;
  Arena* arena = head->arena;
  const std::size_t old_regions = regions_for(head->span_pages);
  const std::size_t extra = regions_for(pages) - old_regions;
  const std::size_t next = head->index + old_regions;
  const std::size_t old_used = head->span_pages % kPagesPerRegion;
  const std::size_t wanted =
      extra != 0 || pages % kPagesPerRegion == 0 ? kPagesPerRegion : pages % kPagesPerRegion;
  Region* tail = head + (old_regions - 1);
  if (old_used != 0 && !(tail->free.all(old_used, wanted - old_used) &&
                         unguard_pages(*tail, old_used, wanted - old_used)))
    return false;
  if (extra != 0) {
    if (next + extra > arena->regions || !arena->free.all(next, extra)) return false;
    if (!commit_regions(arena, next, extra)) return false;
    if (!unguard_regions(arena->region(next), extra)) return false;
    arena->free.clear_range(next, extra);
    for (std::size_t i = 0; i < extra; ++i) fill_region(arena->region(next + i), head);
  }
  if (old_used != 0) {
    tail->run[0] = static_cast<std::uint16_t>(wanted | kSpanTail);    // the pages are for no other
    static_cast<void>(use_pages(tail, old_used, wanted - old_used));  // they have no guards
    if (wanted == kPagesPerRegion) {
      tail->run[0] = kNoRun;
      tail->state = RegionState::kSpanBody;
    }
  }
  if (extra != 0) split_tail(head, pages);
  note_growth(pages - head->span_pages);
  return true;
}

void PageHeap::put_large(Region* head, bool touched) noexcept {
  if (head->state == RegionState::kHuge) return put_huge(head);
  put_span(head, touched);
}

void* PageHeap::take_huge(std::size_t pages, std::size_t alignment) noexcept {
  os::ScopedLock guard(lock_);
  if (exceeds_limit(pages)) return nullptr;
  keep_to_limit(pages);
  void* memory = map_huge(pages, alignment);
  if (memory == nullptr && store_ != nullptr && store_->give_up())
    memory = map_huge(pages, alignment);
  settle_charge();
  return memory;
}

void* PageHeap::map_huge(std::size_t pages, std::size_t alignment) noexcept {
  os::ScopedLock guard(window_.lock());
  if (!ready()) return nullptr;
  Region* head = freed_huge_;
  if (head == nullptr) {
    head = static_cast<Region*>(os::map(round_up(sizeof(Region), os::page_bytes())));
    if (head == nullptr) return nullptr;
    head->state = RegionState::kFreedHuge;
    head->vacant = true;
    freed_huge_ = head;
  }
  const std::size_t regions = regions_for(pages);
  std::byte* memory = window_.reserve(regions, alignment);
  if (memory == nullptr) return nullptr;
  if (!window_.map_slots(memory, regions) || !os::commit(memory, regions * kRegionBytes)) {
    os::release(memory, regions * kRegionBytes);
    return nullptr;
  }
  freed_huge_ = head->next;
  window_.forget(head);
  head->memory = memory;
  head->pages = this;
  head->guards = {};
  head->state = RegionState::kHuge;
  head->vacant = false;
  head->span_pages = pages;
  for (std::size_t i = 0; i < regions; ++i) window_.publish(memory + i * kRegionBytes, head);
  used_huge_.push_back(head);
  ++huge_blocks_;
  huge_pages_ += pages;
  note_growth(pages);
  return memory;
}

// The metadata stays where the window shows it, so that a second free of the
// block can be told, until the next huge block needs it.
void PageHeap::put_huge(Region* head) noexcept {
  used_huge_.remove(head);
  --huge_blocks_;
  huge_pages_ -= head->span_pages;
  {
    os::ScopedLock guard(window_.lock());
    head->state = RegionState::kFreedHuge;
    head->vacant = true;
    window_.release(head->memory, regions_for(head->span_pages), head);
  }
  head->next = freed_huge_;
  freed_huge_ = head;
}

}  // namespace luna
