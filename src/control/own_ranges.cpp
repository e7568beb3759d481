// SPDX-License-Identifier: MIT
#include "control/own_ranges.hpp"

#include "base/inline_text.hpp"
#include "control/residency.hpp"
#include "heap/named_heaps.hpp"
#include "os/memory.hpp"

namespace luna {

namespace {

constexpr std::array<InlineText<16>, 5> kKindNames = {"arena", "huge", "metadata", "telemetry",
                                                      "guarded"};

}  // namespace

std::string_view name_of(OwnKind kind) noexcept {
  return kKindNames[static_cast<std::size_t>(kind)];
}

void OwnRanges::collect(Allocator& allocator, Profiler& profiler) noexcept {
  for_each_allocator(allocator, [this](Allocator& each) noexcept {
    add_blocks(each.pages());
    add_heaps(each);
  });
  if (NamedHeaps* heaps = allocator.named(); heaps != nullptr) add_named(*heaps);
  {
    // The lock of the pages is held where fork() holds it: so nobody else has the window's then.
    os::ScopedLock guard(allocator.pages().lock());
    os::ScopedLock window(allocator.window().lock());
    allocator.window().for_each_table([this](const void* table, std::size_t bytes) noexcept {
      add(table, bytes, OwnKind::kMetadata);
    });
  }
  profiler.for_each_table([this](const void* table, std::size_t bytes) noexcept {
    add(table, bytes, OwnKind::kTelemetry);
  });
  allocator.guarded().for_each_table([this](const void* table, std::size_t bytes) noexcept {
    add(table, bytes, OwnKind::kGuarded);
  });
}

void OwnRanges::add_named(NamedHeaps& heaps) noexcept {
  heaps.for_each_table([this](const void* table, std::size_t bytes) noexcept {
    add(table, bytes, OwnKind::kMetadata);
  });
  heaps.store().for_each([this](const Arena& arena) noexcept {
    add(arena.memory, arena.regions * kRegionBytes, OwnKind::kArena);
    add(&arena, arena.metadata_bytes, OwnKind::kMetadata);
  });
}

void OwnRanges::add_blocks(PageHeap& pages) noexcept {
  os::ScopedLock guard(pages.lock());
  pages.for_each_arena([this](const Arena& arena) noexcept {
    add(arena.memory, arena.regions * kRegionBytes, OwnKind::kArena);
  });
  pages.for_each_huge([this](const Region& head) noexcept {
    add(head.memory, regions_for(head.span_pages) * kRegionBytes, OwnKind::kHuge);
    add(&head, sizeof(Region), OwnKind::kMetadata);
  });
  pages.for_each_table([this](const void* table, std::size_t bytes) noexcept {
    add(table, bytes, OwnKind::kMetadata);
  });
}

void OwnRanges::add_heaps(Allocator& allocator) noexcept {
  {
    os::ScopedLock guard(allocator.heaps().lock());
    const auto add_heap = [this](const ThreadHeap& heap) noexcept {
      add(&heap, sizeof(ThreadHeap), OwnKind::kMetadata);
    };
    allocator.heaps().for_each(add_heap);
    allocator.heaps().for_each_abandoned(add_heap);
  }
  const ThreadHeap* samples = allocator.samples().thread_heap();
  if (samples != nullptr) add(samples, sizeof(ThreadHeap), OwnKind::kTelemetry);
}

// In whole pages. Thread heaps lie side by side, and come from the last to the first; so one
// may share a page with the one before, and then both are one range.
void OwnRanges::add(const void* memory, std::size_t bytes, OwnKind kind) noexcept {
  if (memory == nullptr || bytes == 0) return;
  const std::size_t page = os::page_bytes();
  const std::uintptr_t begin = round_down(address_of(memory), page);
  const std::uintptr_t end = round_up(address_of(memory) + bytes, page);
  if (count_ != 0) {
    OwnRange& last = ranges_[count_ - 1];
    if (last.kind == kind && begin <= last.begin && end >= last.begin && end <= last.end) {
      last.begin = begin;
      return;
    }
  }
  if (count_ == kMost) {
    complete_ = false;
    return;
  }
  ranges_[count_++] = {begin, end, kind};
}

std::size_t OwnRanges::bytes(OwnKind kind) const noexcept {
  std::size_t result = 0;
  for (const OwnRange& range : ranges())
    if (range.kind == kind) result += range.bytes();
  return result;
}

bool OwnRanges::cover(std::uintptr_t begin, std::uintptr_t end) const noexcept {
  for (const OwnRange& range : ranges())
    if (begin >= range.begin && end <= range.end) return true;
  return false;
}

// The kernel makes one mapping of neighbours, whosever they are.
std::size_t OwnRanges::resident_within(std::uintptr_t begin, std::uintptr_t end) const noexcept {
  std::size_t result = 0;
  for (const OwnRange& range : ranges()) {
    const std::uintptr_t from = range.begin > begin ? range.begin : begin;
    const std::uintptr_t to = range.end < end ? range.end : end;
    if (from < to) result += os::resident_bytes(reinterpret_cast<const void*>(from), to - from);
  }
  return result;
}

}  // namespace luna
