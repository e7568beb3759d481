// SPDX-License-Identifier: MIT
// The numbers of luna_stats_detail as a table, which all writers go by: statistics.def.
#pragma once

#include "base/inline_text.hpp"

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

[[nodiscard]] inline bool is_known(std::uint64_t value) noexcept {
  return value != LUNA_STATS_UNKNOWN;
}

}  // namespace luna
