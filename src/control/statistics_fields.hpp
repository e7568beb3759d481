// SPDX-License-Identifier: MIT
// The numbers of luna_stats_detail as a table, which all writers go by: statistics.def.
#pragma once

#include "base/inline_text.hpp"

#include <lunalloc/heap.h>
#include <lunalloc/stats.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace luna {

enum class StatisticSection : std::uint8_t {
  kTotals,
  kFragmentation,
  kCounters,
  kHardware,
  kResident,
  kReconciliation,
};

enum class StatisticKind : std::uint8_t { kGauge, kCounter };

struct StatisticField {
  StatisticSection section;
  StatisticKind kind;
  InlineText<32> name;
  InlineText<112> help;
  std::uint64_t luna_stats_detail::*value;
};

inline constexpr auto kStatisticFields = std::to_array<StatisticField>({
#define LUNA_STATISTIC(section, kind, name, help) \
  {StatisticSection::section, StatisticKind::kind, #name, help, &luna_stats_detail::name},
#include "control/statistics.def"
#undef LUNA_STATISTIC
});

static_assert(sizeof(luna_stats_detail) ==
              sizeof(std::size_t) + kStatisticFields.size() * sizeof(std::uint64_t));

// The numbers of luna_heap_stats, by the names of the metrics.
struct HeapField {
  InlineText<24> name;
  InlineText<64> help;
  std::uint64_t luna_heap_stats::*value;

  // Where it stands in a row of a heap.
  [[nodiscard]] std::string_view key() const noexcept {
    std::string_view result = name;
    result.remove_prefix(std::string_view("heap_").size());
    return result;
  }
};

inline constexpr auto kHeapFields = std::to_array<HeapField>({
    {"heap_used_bytes", "What counts for the limit of a heap", &luna_heap_stats::used_bytes},
    {"heap_peak_bytes", "The most that counted for the limit", &luna_heap_stats::peak_bytes},
    {"heap_limit_bytes", "The limit; 0: none", &luna_heap_stats::limit_bytes},
    {"heap_live_bytes", "Of blocks in use", &luna_heap_stats::live_bytes},
    {"heap_live_blocks", "Blocks in use", &luna_heap_stats::live_blocks},
    {"heap_cached_bytes", "Free blocks in lists of threads", &luna_heap_stats::cached_bytes},
    {"heap_resident_bytes", "What the kernel backs of it", &luna_heap_stats::resident_bytes},
    {"heap_denied", "Allocations that a limit did not permit", &luna_heap_stats::denied},
    {"heap_children", "Heaps whose parent it is", &luna_heap_stats::children},
    {"heap_allocations", "Blocks that threads took from it", &luna_heap_stats::allocations},
});

static_assert(sizeof(luna_heap_stats) ==
              sizeof(std::size_t) + kHeapFields.size() * sizeof(std::uint64_t));

[[nodiscard]] inline bool is_known(std::uint64_t value) noexcept {
  return value != LUNA_STATS_UNKNOWN;
}

}  // namespace luna
