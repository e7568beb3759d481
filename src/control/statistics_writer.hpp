// SPDX-License-Identifier: MIT
// A snapshot of the statistics as text for people, as JSON and as OpenMetrics. What is not
// known is left out of text and metrics, and null in JSON.
#pragma once

#include "base/output.hpp"
#include "control/statistics_snapshot.hpp"

#include <cstdint>

namespace luna {

// Parts of a whole that the writers have in common; a whole of 0: it is not known.
struct Share {
  std::uint64_t part = 0;
  std::uint64_t whole = 0;
};

// Of the blocks that came from lists of threads, at least so many were there already.
[[nodiscard]] Share hit_share(const luna_stats_detail& detail) noexcept;

// Of accesses to the processor's last cache, and of loads, those that missed.
[[nodiscard]] Share cache_miss_share(const luna_stats_detail& detail) noexcept;
[[nodiscard]] Share tlb_miss_share(const luna_stats_detail& detail) noexcept;

// Of free pages, those that are not in the longest range; of slabs, what holds no block in use
// or in a list of a thread.
[[nodiscard]] Share page_fragmentation(const luna_stats_detail& detail) noexcept;
[[nodiscard]] Share slab_fragmentation(const luna_stats_detail& detail) noexcept;

// How far resident and accounted bytes are apart.
[[nodiscard]] Share unaccounted(const luna_stats_detail& detail) noexcept;

// 0.1234, or another word if the whole is 0.
void add_ratio(Output& out, const Share& share, std::string_view unknown) noexcept;

void write_statistics_text(const StatisticsSnapshot& snapshot, Output& out) noexcept;
void write_statistics_json(const StatisticsSnapshot& snapshot, Output& out) noexcept;

enum class MetricsFormat : std::uint8_t { kOpenMetrics, kPrometheus };
void write_statistics_metrics(const StatisticsSnapshot& snapshot, MetricsFormat format,
                              Output& output) noexcept;

}  // namespace luna
