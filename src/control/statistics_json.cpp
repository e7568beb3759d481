// SPDX-License-Identifier: MIT
#include "control/statistics_fields.hpp"
#include "control/statistics_writer.hpp"
#include "telemetry/json.hpp"

namespace luna {

namespace {

void add_value(Output& out, std::string_view name, std::uint64_t value) noexcept {
  add_name(out, name);
  if (is_known(value)) {
    out.add_decimal(value);
  } else {
    out.add("null");
  }
}

void add_fields(Output& out, const luna_stats_detail& detail, StatisticSection section) noexcept {
  std::string_view comma;
  for (const StatisticField& field : kStatisticFields) {
    if (field.section != section) continue;
    add_value(out.add(comma), field.name, detail.*field.value);
    comma = ",";
  }
}

void add_share(Output& out, std::string_view name, const Share& share) noexcept {
  add_ratio(add_name(out.add(","), name), share, "null");
}

// What is resident and not accounted for; below 0 if it is the other way round.
void add_difference(Output& out, const luna_stats_detail& detail) noexcept {
  add_name(out.add(","), "unaccounted_bytes");
  const Share share = unaccounted(detail);
  if (share.whole == 0) {
    out.add("null");
    return;
  }
  if (detail.accounted_bytes > detail.resident_bytes) out.add("-");
  out.add_decimal(share.part);
}

void add_classes(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  std::string_view comma;
  for (const luna_class_stats& row : snapshot.classes()) {
    if (row.slabs == 0) continue;
    add_number(out.add(comma).add("\n  {"), "block_bytes", row.block_bytes);
    add_number(out.add(","), "slabs", row.slabs);
    add_number(out.add(","), "used_blocks", row.used_blocks);
    add_number(out.add(","), "free_blocks", row.free_blocks);
    add_number(out.add(","), "uncut_blocks", row.uncut_blocks);
    add_share(out, "fullness",
              {row.used_blocks, row.used_blocks + row.free_blocks + row.uncut_blocks});
    out.add("}");
    comma = ",";
  }
}

void add_threads(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  std::string_view comma;
  for (const ThreadRows::Row& row : snapshot.threads().rows()) {
    const luna_thread_stats& stats = row.stats;
    add_value(out.add(comma).add("\n  {"), "thread", stats.thread);
    add_number(out.add(","), "slabs", stats.slabs);
    add_number(out.add(","), "used_bytes", stats.used_bytes);
    add_number(out.add(","), "cached_bytes", stats.cached_bytes);
    add_number(out.add(","), "cached_blocks", stats.cached_blocks);
    add_number(out.add(","), "refills", stats.refills);
    add_number(out.add(","), "refilled_blocks", stats.refilled_blocks);
    out.add("}");
    comma = ",";
  }
}

void add_heaps(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  std::string_view comma;
  for (const HeapRows::Row& row : snapshot.heaps().rows()) {
    add_string(add_name(out.add(comma).add("\n  {"), "name"), row.title());
    add_number(out.add(","), "number", row.number);
    for (const HeapField& field : kHeapFields)
      add_number(out.add(","), field.key(), row.stats.*field.value);
    out.add("}");
    comma = ",";
  }
}

void add_own_mappings(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  std::string_view comma;
  for (const OwnRange& range : snapshot.own().ranges()) {
    add_name(out.add(comma).add("\n  {"), "begin").add("\"").add_hex(range.begin);
    add_name(out.add("\","), "end").add("\"").add_hex(range.end).add("\",");
    add_string(add_name(out, "kind"), name_of(range.kind)).add("}");
    comma = ",";
  }
}

void add_foreign_mappings(Output& out, const StatisticsSnapshot& snapshot) noexcept {
  std::string_view comma;
  for (const ForeignMapping& group : snapshot.mappings().foreign()) {
    add_string(add_name(out.add(comma).add("\n  {"), "name"), group.view());
    add_number(out.add(","), "mappings", group.count);
    add_number(out.add(","), "resident_bytes", group.resident_bytes).add("}");
    comma = ",";
  }
}

}  // namespace

void write_statistics_json(const StatisticsSnapshot& snapshot, Output& out) noexcept {
  const luna_stats_detail& detail = snapshot.detail();
  add_number(out.add("{"), "lunalloc_statistics", 1);
  add_name(out.add(",\n "), "totals").add("{");
  add_fields(out, detail, StatisticSection::kTotals);
  add_name(out.add("},\n "), "fragmentation").add("{");
  add_fields(out, detail, StatisticSection::kFragmentation);
  add_share(out, "page_ratio", page_fragmentation(detail));
  add_share(out, "slab_ratio", slab_fragmentation(detail));
  add_name(out.add("},\n "), "counters").add("{");
  add_fields(out, detail, StatisticSection::kCounters);
  add_share(out, "hit_ratio", hit_share(detail));
  add_name(out.add("},\n "), "hardware").add("{");
  add_fields(out, detail, StatisticSection::kHardware);
  add_share(out, "cache_miss_ratio", cache_miss_share(detail));
  add_share(out, "tlb_miss_ratio", tlb_miss_share(detail));
  add_string(add_name(out.add(","), "not_available"), snapshot.hardware_reason());
  add_name(out.add("},\n "), "resident").add("{");
  add_fields(out, detail, StatisticSection::kResident);
  add_name(out.add("},\n "), "reconciliation").add("{");
  add_fields(out, detail, StatisticSection::kReconciliation);
  add_difference(out, detail);
  add_share(out, "unaccounted_ratio", unaccounted(detail));
  out.add("}");
  const auto add_list = [&](unsigned what, std::string_view name, auto add_rows) noexcept {
    if ((snapshot.what() & what) == 0) return;
    add_rows(add_name(out.add(",\n "), name).add("["), snapshot);
    out.add("]");
  };
  add_list(LUNA_STATS_CLASSES, "classes", add_classes);
  add_list(LUNA_STATS_THREADS, "threads", add_threads);
  add_list(LUNA_STATS_HEAPS, "heaps", add_heaps);
  add_list(LUNA_STATS_MAPPINGS, "own_mappings", add_own_mappings);
  add_list(LUNA_STATS_MAPPINGS, "not_ours", add_foreign_mappings);
  out.add("}\n");
}

}  // namespace luna
