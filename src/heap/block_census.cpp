// SPDX-License-Identifier: MIT
#include "heap/block_census.hpp"

#include "os/memory.hpp"

#include <bit>

namespace luna {

namespace {

// A count that is not known.
constexpr std::uint32_t kAnyCount = UINT32_MAX;

// More blocks than any list has.
constexpr std::uint32_t kMaxCount = 1 << 16;

// One block may be on its way to its list, or from there.
[[nodiscard]] bool is_about(std::uint32_t found, std::uint32_t count) noexcept {
  return count == kAnyCount || found + 1 == count || found == count || found == count + 1;
}

// Bytes from a region's start to the end of a block that ends after `pages`, but for a guard there.
[[nodiscard]] std::size_t readable_bytes(const Region& region, std::size_t pages) noexcept {
  const std::size_t last = pages - 1;
  const bool guarded = region.state == RegionState::kHuge
                           ? region.guards.test(0)
                           : (&region)[last / kPagesPerRegion].guards.test(last % kPagesPerRegion);
  return (pages - std::size_t{guarded}) * kPageBytes;
}

}  // namespace

BlockBits::~BlockBits() {
  if (words_ != nullptr) os::release(words_, bytes_);
}

bool BlockBits::begin(const WindowView& window) noexcept {
  base_ = window.base;
  bytes_ = round_up(window.units_in_use / 8 + 1, os::page_bytes());
  words_ = static_cast<std::uint64_t*>(os::map(bytes_));
  return words_ != nullptr;
}

bool BlockCensus::begin() noexcept {
  if (!free_.begin(view_)) return false;
  note_free_of_slabs();
  for_each_heap([this](const ThreadHeap& heap) noexcept { note_free_of_heap(heap); });
  for (std::size_t i = 0; i < PageHeap::kRecentPlaces; ++i)
    if (const void* block = allocator_.pages().recent(i); block != nullptr)
      free_.set(address_of(block));
  return true;
}

FoundBlock BlockCensus::find_in_window(std::uintptr_t address) const noexcept {
  const Region* region = region_at(address);
  if (region == nullptr) return {};
  if (region->state == RegionState::kSpanBody) region = region->span_head;
  if (region == nullptr) return {};
  if (region->state == RegionState::kSpanHead || region->state == RegionState::kHuge) {
    const std::uintptr_t begin = address_of(region->memory);
    const std::size_t bytes = readable_bytes(*region, region->span_pages);
    return address - begin < bytes ? unless_free({begin, bytes}) : FoundBlock{};
  }
  if (region->state != RegionState::kShared) return {};
  const std::size_t page = address % kRegionBytes / kPageBytes;
  const std::size_t granule = round_down(page, kPagesPerGranule);
  if ((region->run[granule] & kGranuleRun) == 0) return unless_free(block_of_run(*region, page));
  const Slab& slab = slab_at(address);
  if (!slab.is_slab()) return {};
  const std::size_t index = slab.index_of(address % kGranuleBytes);
  return unless_free(block_of_slab(slab, round_down(address, kGranuleBytes), index));
}

FoundBlock BlockCensus::block_of_run(const Region& region, std::size_t page) noexcept {
  if (region.free.test(page)) return {};
  std::size_t start = page;
  while (start > 0 && region.run[start] == kNoRun) --start;
  const std::uint16_t run = region.run[start];
  if (page - start >= (run & kRunLengthMask)) return {};
  if ((run & kGranuleRun) != 0) return {};
  if ((run & kSpanTail) == 0)
    return {address_of(region.memory) + start * kPageBytes,
            readable_bytes(region, start + run) - start * kPageBytes};
  const Region* head = region.span_head;
  if (head == nullptr) return {};
  return {address_of(head->memory), readable_bytes(*head, head->span_pages)};
}

// What was never handed out, or lies in pages that were given back, is none.
FoundBlock BlockCensus::block_of_slab(const Slab& slab, std::uintptr_t memory,
                                      std::size_t index) noexcept {
  if (index >= slab.fresh) return {};
  const std::size_t bytes = slab.info().block_bytes;
  const std::size_t offset = index * bytes;
  if ((slab.purged_pages >> offset / kPageBytes & 1) != 0) return {};
  return {memory + offset, bytes};
}

void BlockCensus::note_free_of_slabs() noexcept {
  for (std::uintptr_t at = view_.base; at < end(); at += kGranuleBytes) {
    const Region* region = region_at(at);
    if (region == nullptr || region->state != RegionState::kShared) continue;
    if ((region->run[at % kRegionBytes / kPageBytes] & kGranuleRun) == 0) continue;
    const Slab& slab = slab_at(at);
    if (slab.is_slab()) note_free_of_slab(slab, at);
  }
}

void BlockCensus::note_free_of_slab(const Slab& slab, std::uintptr_t memory) noexcept {
  note_list(slab.own.first, slab.free_blocks(),
            {slab.owner.load(std::memory_order_relaxed), &slab, slab.size_class});
  const RemoteArea& area = remote_area(window_, &slab);
  for (std::size_t i = 0; i < area.freed.size(); ++i) {
    std::uint64_t bits = area.freed[i].load(std::memory_order_relaxed);  // alone: nobody writes
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t index = i * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (index < slab.info().capacity) free_.set(memory + index * slab.info().block_bytes);
    }
  }
}

void BlockCensus::note_free_of_heap(const ThreadHeap& heap) noexcept {
  heap.for_each_list(
      [&](std::size_t list, const Block* freed, std::uint32_t count, const Block* supply) noexcept {
        note_list(freed, count, {heap.owner_word(), nullptr, list});
        note_list(supply, kAnyCount, {heap.owner_word(), nullptr, list});
      });
}

// In two passes: only a list that ends where it should is believed.
void BlockCensus::note_list(const Block* first, std::uint32_t count,
                            const ListOwner& owner) noexcept {
  std::uint32_t found = 0;
  const Block* block = first;
  for (; block != nullptr && found < kMaxCount && belongs(block, owner); block = block->next)
    ++found;
  if (block != nullptr || !is_about(found, count)) return;
  for (block = first; block != nullptr; block = block->next) free_.set(address_of(block));
}

bool BlockCensus::belongs(const Block* block, const ListOwner& owner) const noexcept {
  const std::uintptr_t address = address_of(block);
  if (address % 16 != 0 || !view_.holds((address - view_.base) / 16)) return false;
  const Region* region = region_at(address);
  if (region == nullptr || region->state != RegionState::kShared) return false;
  const std::size_t page = address % kRegionBytes / kPageBytes;
  if (owner.list >= kSizeClasses)
    return address % kPageBytes == 0 &&
           region->run[page] == owner.list - kSizeClasses + kMinListedPages;
  if ((region->run[round_down(page, kPagesPerGranule)] & kGranuleRun) == 0) return false;
  const Slab& slab = slab_at(address);
  if (!slab.is_slab() || slab.owner.load(std::memory_order_relaxed) != owner.word) return false;
  if (slab.size_class != owner.list) return false;
  if (owner.slab != nullptr && owner.slab != &slab) return false;
  const std::size_t index = slab.index_of(address % kGranuleBytes);
  return index < slab.fresh && index * slab.info().block_bytes == address % kGranuleBytes;
}

}  // namespace luna
