// SPDX-License-Identifier: MIT
// Granules whose slabs became empty, which their thread may soon want again for
// slabs of any class, and some taken in advance by a thread that takes many: without
// them, blocks so large that a slab holds only a few would go to the page heap, and its
// lock, at every other turn.
#pragma once

#include "pages/layout.hpp"

#include <array>
#include <cstddef>

namespace luna {

// Threads: that of its heap.
class GranuleCache {
 public:
  struct Granule {
    void* memory = nullptr;
    std::size_t touched_pages = 0;  // from its start, which were written to
    bool warm = true;               // some of its pages may be backed
  };

  // Requires: bytes() < kMaxBytes.
  void put(Granule granule) noexcept { granules_[count_++] = granule; }

  // The one put last, whose memory is the warmest; no memory: there is none.
  [[nodiscard]] Granule take() noexcept { return count_ != 0 ? granules_[--count_] : Granule{}; }

  [[nodiscard]] std::size_t bytes() const noexcept { return count_ * kGranuleBytes; }

  void forget() noexcept { count_ = 0; }

  static constexpr std::size_t kMaxBytes = 4 * kGranuleBytes;

 private:
  std::size_t count_ = 0;
  std::array<Granule, kMaxBytes / kGranuleBytes> granules_{};
};

}  // namespace luna
