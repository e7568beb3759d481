// SPDX-License-Identifier: MIT
// The units of address space, smallest first: page, granule, region, arena.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

// Our page. A kernel page may be larger (16 or 64 KiB): then only whole kernel
// pages are purged.
inline constexpr std::size_t kPageBytes = 4096;

// A slab fills one granule, so that a block's slab follows from its address alone.
inline constexpr std::size_t kGranuleBytes = std::size_t{32} * 1024;
inline constexpr std::size_t kPagesPerGranule = kGranuleBytes / kPageBytes;

// One huge page of the processor; runs of pages never cross a region.
inline constexpr std::size_t kRegionBytes = std::size_t{2} << 20;
inline constexpr std::size_t kPagesPerRegion = kRegionBytes / kPageBytes;
inline constexpr std::size_t kGranulesPerRegion = kRegionBytes / kGranuleBytes;

// One bit for each granule of a region.
using GranuleSet = std::uint64_t;
inline constexpr GranuleSet kAllGranules = ~GranuleSet{0} >> (64 - kGranulesPerRegion);

// The largest piece of address space taken from the kernel at once; larger
// blocks are mapped by themselves.
inline constexpr std::size_t kMaxArenaRegions = 512;

[[nodiscard]] constexpr std::size_t pages_for(std::size_t bytes) noexcept {
  return (bytes + kPageBytes - 1) / kPageBytes;
}

[[nodiscard]] constexpr std::size_t regions_for(std::size_t pages) noexcept {
  return (pages + kPagesPerRegion - 1) / kPagesPerRegion;
}

// What the layer above keeps for a granule: a slot of one cache line, found by
// arithmetic from any address, and an annex that is touched when it is needed.
// Both start as zeros.
struct alignas(64) Slot {
  std::byte storage[64];
};
struct alignas(64) Annex {
  std::byte storage[64 + kGranuleBytes / 16 / 8];  // one bit for each 16 bytes
};

}  // namespace luna
