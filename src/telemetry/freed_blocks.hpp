// SPDX-License-Identifier: MIT
// The blocks freed last that were samples: what a report says of a block that was freed before.
// For those that live, see live_table.hpp.
#pragma once

#include "telemetry/live_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

struct FreedBlock {
  static constexpr std::size_t kMaxDepth = 16;

  LiveSample sample{};  // as it was; address 0: there is none
  std::uint64_t freed_ns = 0;
  std::uint32_t thread = 0;  // that freed it, of the ThreadNumbers
  std::uint32_t depth = 0;
  std::array<std::uintptr_t, kMaxDepth> frames{};  // of the free
};

// A ring: who comes takes the place of the one that was freed longest ago.
//
// An object that is all zeros is empty. Threads: guarded by the lock of the profiler.
class FreedBlocks {
 public:
  static constexpr std::size_t kCount = 512;

  void add(const FreedBlock& freed) noexcept { places_[added_++ % kCount] = freed; }

  // The one freed last of those whose block held the address; nullptr: there is none.
  [[nodiscard]] const FreedBlock* find(std::uintptr_t address) const noexcept {
    const std::uint64_t count = added_ < kCount ? added_ : kCount;
    for (std::uint64_t i = 1; i <= count; ++i) {
      const FreedBlock& freed = places_[(added_ - i) % kCount];
      if (freed.sample.holds(address)) return &freed;
    }
    return nullptr;
  }

 private:
  std::uint64_t added_;
  std::array<FreedBlock, kCount> places_;
};

}  // namespace luna
