// SPDX-License-Identifier: MIT
// The sites of a profile: each stack that a sampled block was allocated from, once for each set
// of labels that threads had there.
#pragma once

#include "telemetry/history.hpp"
#include "telemetry/peak.hpp"
#include "telemetry/profile.hpp"
#include "telemetry/recent.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// A site is never removed, so its stack may be read without the lock.
struct Site {
  std::uint64_t hash;
  Stack stack;
  Labels labels;
  Amount allocated;
  Amount live;
  PeakShare peak;
  Growth mark;  // what there was at the moment that growth is measured from
  Lifetimes lifetimes;
  BlockSizes sizes;
  SiteHistory history;  // of `live`
  RecentTally recent;
  float elsewhere_bytes;  // that other threads freed than those that allocated them
};

// Memory is mapped once and touched as it is needed: bounded from the start.
//
// Threads: guarded by the lock of the profiler.
class SiteTable {
 public:
  constexpr SiteTable() noexcept = default;
  SiteTable(const SiteTable&) = delete;
  SiteTable& operator=(const SiteTable&) = delete;

  // Makes room for sites in so many bytes. False: the kernel refuses, or it is too little.
  [[nodiscard]] bool begin(std::size_t bytes) noexcept;

  // Index of the site with this stack and these labels, which may be new; kNone: the table is
  // full. Requires: all labels are those of one LabelTable.
  static constexpr std::uint32_t kNone = UINT32_MAX;
  [[nodiscard]] std::uint32_t find_or_add(const Stack& stack, const Labels& labels = {}) noexcept;

  [[nodiscard]] Site& at(std::uint32_t index) noexcept { return sites_[index]; }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t used_bytes() const noexcept;

  // The memory of the table.
  [[nodiscard]] const void* memory() const noexcept { return sites_; }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  [[nodiscard]] std::uint32_t add(const Stack& stack, const Labels& labels,
                                  std::uint64_t hash) noexcept;

  std::uint32_t* slots_ = nullptr;  // index + 1 of the site; 0: free
  std::uint32_t slot_mask_ = 0;
  Site* sites_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = 0;
  std::uintptr_t* frames_ = nullptr;
  std::size_t used_frames_ = 0;
  std::size_t max_frames_ = 0;
};

}  // namespace luna
