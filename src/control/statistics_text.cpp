// SPDX-License-Identifier: MIT
#include "base/format.hpp"
#include "control/statistics_fields.hpp"
#include "control/statistics_writer.hpp"

#include <array>

namespace luna {

namespace {

constexpr std::size_t kNumberWidth = 12;
constexpr std::size_t kMostMappings = 12;

void add_right(Output& out, std::string_view text) noexcept {
  for (std::size_t i = text.size(); i < kNumberWidth; ++i) out.add(" ");
  out.add(text);
}

void add_number(Output& out, std::uint64_t value) noexcept {
  std::array<char, 32> buffer;
  add_right(out, Text(buffer.data(), buffer.size()).add_decimal(value).view());
}

void add_bytes(Output& out, std::uint64_t value) noexcept {
  std::array<char, 32> buffer;
  add_right(out, Text(buffer.data(), buffer.size()).add_bytes(value).view());
}

void add_share(Output& out, const Share& share, std::string_view what) noexcept {
  if (share.whole == 0) return;
  std::array<char, 32> buffer;
  add_right(out, Text(buffer.data(), buffer.size()).add_percent(share.part, share.whole).view());
  out.add("  ").add(what).add("\n");
}

void add_section(Output& out, const luna_stats_detail& detail, StatisticSection section) noexcept {
  for (const StatisticField& field : kStatisticFields) {
    const std::uint64_t value = detail.*field.value;
    if (field.section != section || !is_known(value)) continue;
    field.name.view().ends_with("_bytes") ? add_bytes(out, value) : add_number(out, value);
    out.add("  ").add(field.help).add("\n");
  }
}

void add_hardware(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  if (!snapshot.hardware_reason().empty()) {
    out.add("caches of the processor: not available: ").add(snapshot.hardware_reason()).add("\n");
    return;
  }
  out.add("caches of the processor\n");
  add_section(out, snapshot.detail(), StatisticSection::kHardware);
  add_share(out, cache_miss_share(snapshot.detail()), "of accesses to the last cache missed");
  add_share(out, tlb_miss_share(snapshot.detail()), "of loads of data missed the TLB");
}

void add_classes(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  out.add("size classes\n  block bytes       slabs        used        free       uncut\n");
  for (const luna_class_stats& row : snapshot.classes()) {
    if (row.slabs == 0) continue;
    for (const std::uint64_t value :
         {row.block_bytes, row.slabs, row.used_blocks, row.free_blocks, row.uncut_blocks})
      add_number(out, value);
    out.add("\n");
  }
}

void add_threads(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  out.add("thread heaps\n      thread       slabs        used      cached     refills\n");
  for (const ThreadRows::Row& row : snapshot.threads().rows()) {
    if (is_known(row.stats.thread))
      add_number(out, row.stats.thread);
    else
      add_right(out, "none");
    add_number(out, row.stats.slabs);
    add_bytes(out, row.stats.used_bytes);
    add_bytes(out, row.stats.cached_bytes);
    add_number(out, row.stats.refills);
    out.add("\n");
  }
}

void add_heaps(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  if (snapshot.heaps().rows().empty()) return;
  out.add("heaps\n        used        peak       limit        live    resident      denied\n");
  for (const HeapRows::Row& row : snapshot.heaps().rows()) {
    const luna_heap_stats& stats = row.stats;
    add_bytes(out, stats.used_bytes);
    add_bytes(out, stats.peak_bytes);
    if (stats.limit_bytes != 0)
      add_bytes(out, stats.limit_bytes);
    else
      add_right(out, "none");
    add_bytes(out, stats.live_bytes);
    add_bytes(out, stats.resident_bytes);
    add_number(out, stats.denied);
    out.add("  ").add(row.title()).add("\n");
  }
}

void add_foreign(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  out.add("resident, and not lunalloc's\n");
  std::size_t shown = 0;
  std::uint64_t rest = 0;
  for (const ForeignMapping& group : snapshot.mappings().foreign()) {
    if (++shown > kMostMappings) {
      rest += group.resident_bytes;
      continue;
    }
    add_bytes(out, group.resident_bytes);
    out.add("  ").add(group.view()).add("\n");
  }
  if (rest == 0) return;
  add_bytes(out, rest);
  out.add("  [all others]\n");
}

}  // namespace

void write_statistics_text(const StatisticsSnapshot& snapshot, Output& out) noexcept {
  const luna_stats_detail& detail = snapshot.detail();
  out.add("lunalloc statistics\n");
  add_section(out, detail, StatisticSection::kTotals);
  out.add("fragmentation\n");
  add_section(out, detail, StatisticSection::kFragmentation);
  add_share(out, page_fragmentation(detail), "of free pages are outside the longest range");
  add_share(out, slab_fragmentation(detail), "of slabs hold no block in use");
  out.add("since the start\n");
  add_section(out, detail, StatisticSection::kCounters);
  add_share(out, hit_share(detail), "of blocks put into lists of threads were hits, at least");
  add_hardware(out, snapshot);
  if (is_known(detail.resident_bytes)) {
    out.add("resident\n");
    add_section(out, detail, StatisticSection::kResident);
    out.add("reconciliation\n");
    add_section(out, detail, StatisticSection::kReconciliation);
    add_share(out, unaccounted(detail), "difference of resident and accounted bytes");
  }
  if ((snapshot.what() & LUNA_STATS_CLASSES) != 0) add_classes(out, snapshot);
  if ((snapshot.what() & LUNA_STATS_THREADS) != 0) add_threads(out, snapshot);
  add_heaps(out, snapshot);
  if ((snapshot.what() & LUNA_STATS_MAPPINGS) != 0) add_foreign(out, snapshot);
}

}  // namespace luna
