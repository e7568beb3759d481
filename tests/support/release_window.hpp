// SPDX-License-Identifier: MIT
// Gives the address space of a heap back, which the core never does: the
// process has one heap for all its life, a test program has one for each test.
#pragma once

#include "base/align.hpp"
#include "os/memory.hpp"
#include "pages/window.hpp"

#include <cstddef>

namespace luna::test {

// Requires: nobody uses memory of the window any more.
inline void release_window(const Window& window) {
  Slot* slots = window.view().slots;
  if (slots == nullptr) return;
  std::byte* memory = window.memory_of(slots);
  std::size_t regions = 0;
  for (; window.slot_of(memory) != nullptr; memory += kRegionBytes, ++regions) {
    // A place without a region, or whose huge block is gone, may be somebody else's.
    const Region* region = window.region_of(memory);
    if (region != nullptr && region->state != RegionState::kFreedHuge)
      os::release(memory, kRegionBytes);
  }
  const std::size_t slot_bytes = regions * kGranulesPerRegion * sizeof(Slot);
  if (regions != 0) os::release(slots, round_up(slot_bytes, os::page_bytes()));
}

}  // namespace luna::test
