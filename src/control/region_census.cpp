// SPDX-License-Identifier: MIT
#include "control/region_census.hpp"

#include "pages/region_search.hpp"

namespace luna {

namespace {

constexpr unsigned kAllPagesOfGranule = (1U << kPagesPerGranule) - 1;

void add(PageTally& tally, const PageSet& pages, const PageSet& resident, bool expected) noexcept {
  const std::size_t backed = (pages & resident).count();
  tally.pages += pages.count();
  tally.resident += backed;
  if (expected) tally.expected += backed;
}

// What the books say of the pages of a slab, a bit each.
struct SlabPages {
  unsigned backed = 0;    // a block starts there that was cut, and thereby written to
  unsigned possible = 0;  // somebody may have written to them
};

[[nodiscard]] SlabPages pages_of(const Slab& slab) noexcept {
  SlabPages result;
  const std::size_t bytes = slab.info().block_bytes;
  const std::size_t touched = slab.fresh * bytes;
  for (std::size_t page = 0; page < kPagesPerGranule; ++page) {
    const std::size_t begin = page * kPageBytes;
    const std::size_t first = (begin + bytes - 1) / bytes * bytes;  // the first start of a block
    const bool purged = (slab.purged_pages >> page & 1) != 0;
    if (first < begin + kPageBytes && first < touched && !purged) result.backed |= 1U << page;
    // The end of a block that starts before a purged page may be in use again.
    const bool reached = begin < touched && (!purged || first != begin);
    if (reached || page < slab.touched_before) result.possible |= 1U << page;
  }
  return result;
}

// Eight pages of a set.
[[nodiscard]] unsigned pages_at(const PageSet& pages, std::size_t first) noexcept {
  return static_cast<unsigned>(pages.word(first / 64) >> first % 64) & kAllPagesOfGranule;
}

[[nodiscard]] std::size_t count_bits(unsigned bits) noexcept {
  std::size_t count = 0;
  for (; bits != 0; bits &= bits - 1) ++count;
  return count;
}

}  // namespace

void RegionCensus::count(const Region& region, const PageSet& resident) noexcept {
  ++sums_.regions;
  PageSet dirty = region.free & region.touched;
  dirty.remove(region.guards);  // which nothing backs
  PageSet retained = region.free;
  retained.remove(dirty);
  retained.add(region.guards);
  add(sums_.dirty, dirty, resident, true);
  add(sums_.retained, retained, resident, false);
  count_free_runs(region);
  if (region.state == RegionState::kShared) return count_shared(region, resident);
  if (region.state == RegionState::kReserved) return;
  if (region.state == RegionState::kSpanHead) ++sums_.large_blocks;
  PageSet used;
  used.set_range(0, kPagesPerRegion);
  used.remove(region.free);
  used.remove(region.guards);
  const PageSet kept = kept_pages(allocator_.pages(), region) & used;
  used.remove(kept);
  add(sums_.kept, kept, resident, true);
  add(sums_.large, used, resident, true);
}

void RegionCensus::count_shared(const Region& region, const PageSet& resident) noexcept {
  PageSet large;
  large.set_range(0, kPagesPerRegion);
  large.remove(region.free);
  large.remove(region.guards);
  for (std::size_t page = 0; page < kPagesPerRegion; ++page) {
    const std::uint16_t run = region.run[page];
    if (run == kNoRun || (run & kSpanTail) != 0) continue;
    if ((run & kGranuleRun) == 0) {
      ++sums_.large_blocks;
      continue;
    }
    large.clear_range(page, kPagesPerGranule);
    const auto* slab = reinterpret_cast<const Slab*>(
        allocator_.window().slot_of(region.memory + page * kPageBytes));
    count_slab(*slab, region, resident, page);
  }
  const PageSet kept = kept_pages(allocator_.pages(), region) & large;
  large.remove(kept);
  add(sums_.kept, kept, resident, true);
  add(sums_.large, large, resident, true);
}

void RegionCensus::count_slab(const Slab& slab, const Region& region, const PageSet& resident,
                              std::size_t first) noexcept {
  const unsigned backed = pages_at(resident, first);
  if (!slab.is_slab()) {  // nobody's but its thread's; what was written to it, nobody else knows
    sums_.spare.pages += kPagesPerGranule;
    sums_.spare.resident += count_bits(backed);
    sums_.spare.expected += count_bits(backed);
    return;
  }
  const SlabPages books = pages_of(slab);
  const unsigned possible = books.possible | pages_at(region.touched, first);
  sums_.slabs.pages += kPagesPerGranule;
  sums_.slabs.resident += count_bits(backed);
  sums_.sure_pages += count_bits(books.backed);
  sums_.slabs.expected += count_bits(books.backed | (possible & backed));
  count_class(slab);
}

// Read while the owner goes on: it may be off by what happens.
void RegionCensus::count_class(const Slab& slab) noexcept {
  const SizeClassInfo& info = slab.info();
  luna_class_stats& sum = sums_.classes[slab.size_class];
  const std::size_t carved = slab.carved < info.capacity ? slab.carved : info.capacity;
  const std::size_t now = slab.used();
  const std::size_t used = now < carved ? now : carved;
  sum.block_bytes = info.block_bytes;
  ++sum.slabs;
  sum.used_blocks += used;
  sum.free_blocks += carved - used;
  sum.uncut_blocks += info.capacity - carved;
  if (slab_tally_.note != nullptr)
    slab_tally_.note(slab_tally_.context, allocator_.owner_of(slab), used * info.block_bytes);
}

void RegionCensus::count_free_runs(const Region& region) noexcept {
  const std::size_t before = region.memory == end_ ? free_before_ : 0;
  end_ = region.memory + kRegionBytes;
  const std::size_t at_start = region.free.find_clear(0);
  std::size_t longest = 0;
  if (at_start >= kPagesPerRegion) {
    longest = free_before_ = before + kPagesPerRegion;
  } else {
    longest = region.free.longest_run();
    if (before + at_start > longest) longest = before + at_start;
    free_before_ = 0;
    while (region.free.test(kPagesPerRegion - 1 - free_before_)) ++free_before_;
  }
  if (longest > sums_.longest_free_pages) sums_.longest_free_pages = longest;
}

}  // namespace luna
