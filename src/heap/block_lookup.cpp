// SPDX-License-Identifier: MIT
#include "heap/block_lookup.hpp"

#include "base/align.hpp"
#include "base/report.hpp"

namespace luna {

namespace {

[[noreturn, gnu::cold]] void report_freed(const void* pointer, Request request) noexcept {
  if (request == Request::kResize) report::realloc_of_freed(pointer);
  report::double_free(pointer);
}

// The pointer is in a shared region but starts no run in use: says what it is.
[[noreturn, gnu::cold]] void report_stray(const Region& region, const void* pointer,
                                          Request request) noexcept {
  const std::size_t offset = address_of(pointer) - address_of(region.memory);
  const std::size_t page = offset / kPageBytes;
  if (region.free.test(page)) report_freed(pointer, request);
  if ((region.run[0] & kSpanTail) != 0 && page < (region.run[0] & kRunLengthMask))
    report::interior_pointer(pointer, address_of(pointer) - address_of(region.span_head->memory));
  std::size_t start = page;
  while (start > 0 && region.run[start] == kNoRun) --start;
  // A granule without a slab: a thread keeps it for its next one.
  if ((region.run[start] & kGranuleRun) != 0) report_freed(pointer, request);
  report::interior_pointer(pointer, offset - start * kPageBytes);
}

}  // namespace

void report_no_block(const Slab& slab, const std::byte* memory, const void* pointer) noexcept {
  const std::size_t offset = address_of(pointer) - address_of(memory);
  const std::size_t start = slab.index_of(offset) * slab.info().block_bytes;
  if (offset % 16 != 0) report::misaligned_pointer(pointer);
  report::interior_pointer(pointer, offset - start);
}

std::size_t pages_of_block(const Region& region, const void* pointer, Request request) noexcept {
  if (address_of(pointer) % 16 != 0) report::misaligned_pointer(pointer);
  switch (region.state) {
    case RegionState::kShared: {
      const std::size_t offset = address_of(pointer) - address_of(region.memory);
      const std::uint16_t run = region.run[offset / kPageBytes];
      if ((run & kRunLengthMask) == 0 || (run & ~kRunLengthMask) != 0 || offset % kPageBytes != 0)
        report_stray(region, pointer, request);
      return run;
    }
    case RegionState::kSpanHead:
    case RegionState::kHuge:
      if (pointer == region.memory) return region.span_pages;
      report::interior_pointer(pointer, address_of(pointer) - address_of(region.memory));
    case RegionState::kSpanBody:
      report::interior_pointer(pointer, address_of(pointer) - address_of(region.span_head->memory));
    case RegionState::kFreedHuge:
    case RegionState::kGone:
    case RegionState::kReserved:
      report_freed(pointer, request);
  }
  __builtin_unreachable();
}

// The owner may be pushing and popping: what is read is old then, but never wrong.
__attribute__((no_sanitize("thread"))) bool is_freed_run(const Slab& slot,
                                                         const void* pointer) noexcept {
  if (slot.owner_heap() == nullptr || slot.size_class != Slab::kRunClass) return false;
  const Block* const volatile* first = &slot.target->first;
  return *first == pointer;
}

void disown_run(const Window& window, const void* pointer) noexcept {
  auto* slot = reinterpret_cast<Slab*>(window.slot_of(pointer));
  if (slot->size_class == Slab::kRunClass) slot->owner.store(0, std::memory_order_relaxed);
}

}  // namespace luna
