// SPDX-License-Identifier: MIT
// The figures behind stats.* of mallctl(3): those of one moment, until they are asked for anew.
#pragma once

#include <lunalloc/stats.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna::jemalloc {

enum class Figure : std::uint8_t {
  kAllocated,
  kSmall,
  kLarge,
  kThreadCaches,
  kActive,
  kDirty,
  kMetadata,
  kResident,
  kMapped,
  kRetained,
  kPurges,
  kPurged,
  kThreads,
  kCount
};

// Threads: any. No lock, so that a fork leaves none held; what two threads ask for at once may
// be mixed of both moments.
class Figures {
 public:
  // Looks at the heap, unless that costs so much that it may not be done again yet; then the
  // epoch stays. Returns 0, or EAGAIN: there is no memory, or a signal handler asks that has
  // interrupted the allocator.
  [[nodiscard]] int refresh() noexcept;

  // Looks at the heap if nobody did before.
  [[nodiscard]] int begin() noexcept { return epoch() == 0 ? refresh() : 0; }

  // How often the heap was looked at.
  [[nodiscard]] std::uint64_t epoch() const noexcept {
    return epoch_.load(std::memory_order_relaxed);
  }

  // LUNA_STATS_UNKNOWN: it is not known here.
  [[nodiscard]] std::uint64_t value(Figure figure) const noexcept {
    return values_[static_cast<std::size_t>(figure)].load(std::memory_order_relaxed);
  }

 private:
  void note_backed(const luna_stats_detail& detail, std::uint64_t active) noexcept;
  void set(Figure figure, std::uint64_t value) noexcept {
    values_[static_cast<std::size_t>(figure)].store(value, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Figure::kCount)> values_{};
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<std::uint64_t> not_before_{0};
};

extern constinit Figures figures;

}  // namespace luna::jemalloc
