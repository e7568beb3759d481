// SPDX-License-Identifier: MIT
#include "heap/region_walk.hpp"

#include "base/align.hpp"
#include "heap/slab.hpp"
#include "pages/region_search.hpp"

#include <cstring>

namespace luna {

namespace {

[[nodiscard]] HugeBacking backing_of(const Region& region) noexcept {
  if (region.hugetlb) return HugeBacking::kPool;
  if (region.collapsing) return HugeBacking::kCollapsing;
  return region.huge ? HugeBacking::kHuge : HugeBacking::kPlain;
}

// Read while the owner goes on: it may be off by what happens, but within what a slab can hold.
[[nodiscard, gnu::no_sanitize_thread]] PageRun run_of_slab(const Slab& slab) noexcept {
  PageRun run{.pages = kPagesPerGranule, .use = PageUse::kSpare};
  const SizeClass size_class = slab.size_class;
  if (slab.owner.load(std::memory_order_relaxed) == 0 || size_class >= kSizeClasses) return run;
  const std::size_t capacity = kSizeClassInfos[size_class].capacity;
  const std::size_t used = std::size_t{slab.own.room} + slab.own.beyond;
  run.use = PageUse::kSlab;
  run.size_class = size_class;
  run.used_blocks = static_cast<std::uint16_t>(used < capacity ? used : capacity);
  return run;
}

// Up to the first page that is of another kind than the first one.
[[nodiscard]] PageRun run_of_free(const Region& region, std::size_t first) noexcept {
  const bool dirty = region.touched.test(first);
  const std::size_t end = region.free.find_clear(first);
  const std::size_t change =
      dirty ? region.touched.find_clear(first) : region.touched.find_set(first);
  const std::size_t pages = (change < end ? change : end) - first;
  return {.pages = static_cast<std::uint32_t>(pages),
          .use = dirty ? PageUse::kDirty : PageUse::kRetained};
}

// Pages that are not free and of no block: somebody gives them back just now, or it is the guard at
// the end of the region.
[[nodiscard]] PageRun run_of_purged(const Region& region, std::size_t first) noexcept {
  if (region.closed && first == kPagesPerRegion - 1) return {.pages = 1};
  std::size_t end = first + 1;
  while (end < kPagesPerRegion && !region.free.test(end) && region.run[end] == kNoRun) ++end;
  return {.pages = static_cast<std::uint32_t>(end - first), .use = PageUse::kDirty};
}

[[nodiscard]] PageRun run_of_block(Allocator& allocator, const Region& region, std::size_t first,
                                   const PageSet& kept) noexcept {
  const std::uint16_t run = region.run[first];
  if (run == kNoRun) return run_of_purged(region, first);
  if ((run & kGranuleRun) != 0)
    return run_of_slab(*reinterpret_cast<const Slab*>(
        allocator.window().slot_of(region.memory + first * kPageBytes)));
  return {.pages = std::uint32_t{run} & kRunLengthMask,
          .use = kept.test(first) ? PageUse::kKept : PageUse::kLarge};
}

[[nodiscard]] bool is_one_block(const Region& region) noexcept {
  return region.state == RegionState::kHuge || region.state == RegionState::kSpanHead ||
         region.state == RegionState::kSpanBody;
}

// What is free and what is being given back may lie side by side: neighbours are one run.
void add(RegionPicture& picture, const PageRun& run) noexcept {
  const bool is_free = run.use == PageUse::kDirty || run.use == PageUse::kRetained;
  if (is_free && picture.count != 0 && picture.runs[picture.count - 1].use == run.use)
    picture.runs[picture.count - 1].pages += run.pages;
  else
    picture.runs[picture.count++] = run;
}

}  // namespace

void draw(Allocator& allocator, const Region& region, RegionPicture& picture) noexcept {
  picture.address = address_of(region.memory);
  picture.bytes = bytes_of(region);
  picture.state = region.state;
  picture.huge = backing_of(region);
  picture.count = 0;
  const PageSet kept = kept_pages(allocator.pages(), region);
  if (is_one_block(region))
    return add(picture, {.pages = static_cast<std::uint32_t>(picture.bytes / kPageBytes),
                         .use = kept.test(0) ? PageUse::kKept : PageUse::kLarge});
  for (std::size_t page = 0; page < kPagesPerRegion;) {
    PageRun run = region.free.test(page) ? run_of_free(region, page)
                                         : run_of_block(allocator, region, page, kept);
    if (run.pages > kPagesPerRegion - page)
      run.pages = static_cast<std::uint32_t>(kPagesPerRegion - page);
    add(picture, run);
    page += run.pages;
  }
}

std::span<const RegionPicture> RegionWalk::next() noexcept {
  count_ = 0;
  if (!in_named_ && draw_all(first_)) {
    in_named_ = true;
    from_ = 0;
  }
  NamedHeaps* heaps = first_.named();
  while (in_named_ && heaps != nullptr && count_ < kMost)
    if (!heaps->visit_from(number_, [this](NamedHeap& heap) noexcept { draw_heap(heap); })) break;
  return {pictures_.data(), count_};
}

void RegionWalk::draw_heap(NamedHeap& heap) noexcept {
  if (heap.number() != number_) from_ = 0;  // the one that was to come has ended
  number_ = heap.number();
  const std::size_t first = count_;
  const bool done = draw_all(heap.allocator());
  for (std::size_t i = first; i < count_; ++i) {
    pictures_[i].is_of_named_heap = true;
    pictures_[i].heap_number = heap.number();
    std::memcpy(pictures_[i].heap_name.data(), heap.name(), LUNA_HEAP_NAME_BYTES);
  }
  if (!done) return;
  ++number_;
  from_ = 0;
}

// False: there is no more room.
bool RegionWalk::draw_all(Allocator& allocator) noexcept {
  while (count_ < kMost) {
    os::ScopedLock guard(allocator.pages().lock());
    const Region* region = region_from(allocator.pages(), from_);
    if (region == nullptr) return true;
    RegionPicture& picture = pictures_[count_++];
    draw(allocator, *region, picture);
    picture.is_of_named_heap = false;
    from_ = picture.address + picture.bytes;
  }
  return false;
}

}  // namespace luna
