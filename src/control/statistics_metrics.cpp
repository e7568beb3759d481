// SPDX-License-Identifier: MIT
// OpenMetrics 1.0, https://prometheus.io/docs/specs/om/open_metrics_spec/, and the text format
// that was before it, which tools such as promtool and node_exporter read.
#include "base/inline_text.hpp"
#include "base/utf8.hpp"
#include "control/statistics_fields.hpp"
#include "control/statistics_writer.hpp"

namespace luna {

namespace {

// The two differ in what a counter is called where it is described, and in units.
class MetricsOutput {
 public:
  MetricsOutput(Output& out, MetricsFormat format) noexcept : out_(out), format_(format) {}

  // What comes before the samples of a metric.
  void begin_family(std::string_view name, StatisticKind kind, std::string_view help) noexcept {
    const bool counter = kind == StatisticKind::kCounter;
    const bool strict = format_ == MetricsFormat::kOpenMetrics;
    const std::string_view ending = counter && !strict ? "_total " : " ";
    add_name("# TYPE ", name).add(ending).add(counter ? "counter\n" : "gauge\n");
    if (strict && name.ends_with("_bytes")) add_name("# UNIT ", name).add(" bytes\n");
    if (strict && name.ends_with("_ratio")) add_name("# UNIT ", name).add(" ratio\n");
    add_name("# HELP ", name).add(ending).add(help).add("\n");
  }

  Output& begin_sample(std::string_view name) noexcept { return add_name({}, name); }

  void end() noexcept {
    if (format_ == MetricsFormat::kOpenMetrics) out_.add("# EOF\n");
  }

 private:
  Output& add_name(std::string_view before, std::string_view name) noexcept {
    return out_.add(before).add("lunalloc_").add(name);
  }

  Output& out_;
  MetricsFormat format_;
};

void add_field(MetricsOutput& out, const StatisticField& field, std::uint64_t value) noexcept {
  if (!is_known(value)) return;
  out.begin_family(field.name, field.kind, field.help);
  const bool counter = field.kind == StatisticKind::kCounter;
  out.begin_sample(field.name).add(counter ? "_total " : " ").add_decimal(value).add("\n");
}

void add_share(MetricsOutput& out, std::string_view name, std::string_view help,
               const Share& share) noexcept {
  if (share.whole == 0) return;
  out.begin_family(name, StatisticKind::kGauge, help);
  Output& sample = out.begin_sample(name).add(" ");
  add_ratio(sample, share, {});
  sample.add("\n");
}

struct ClassField {
  InlineText<24> name;
  InlineText<56> help;
  std::uint64_t luna_class_stats::*value;
};

constexpr ClassField kClassFields[] = {
    {"class_slabs", "Slabs of a size class", &luna_class_stats::slabs},
    {"class_used_blocks", "Blocks in use or in lists of threads, of a size class",
     &luna_class_stats::used_blocks},
    {"class_free_blocks", "Free blocks of slabs, of a size class", &luna_class_stats::free_blocks},
    {"class_uncut_blocks", "Blocks that slabs have room for, of a size class",
     &luna_class_stats::uncut_blocks},
};

void add_class_field(MetricsOutput& out, const StatisticsSnapshot& snapshot,
                     const ClassField& field) noexcept {
  out.begin_family(field.name, StatisticKind::kGauge, field.help);
  for (const luna_class_stats& row : snapshot.classes()) {
    if (row.slabs == 0) continue;
    Output& sample = out.begin_sample(field.name).add("{block_size=\"");
    sample.add_decimal(row.block_bytes).add("\"} ").add_decimal(row.*field.value).add("\n");
  }
}

// Within quotes. Names of heaps have no control characters.
void add_label(Output& out, std::string_view text) noexcept {
  while (!text.empty()) {
    const std::string_view character = take_character(text);
    if (character == "\"" || character == "\\") out.add("\\");
    out.add(character);
  }
}

// Heaps may have the same name, but not the same number.
void add_heap_field(MetricsOutput& out, const StatisticsSnapshot& snapshot,
                    const HeapField& field) noexcept {
  out.begin_family(field.name, StatisticKind::kGauge, field.help);
  for (const HeapRows::Row& row : snapshot.heaps().rows()) {
    Output& sample = out.begin_sample(field.name).add("{heap=\"");
    add_label(sample, row.title());
    sample.add("\",number=\"").add_decimal(row.number).add("\"} ");
    sample.add_decimal(row.stats.*field.value).add("\n");
  }
}

}  // namespace

void write_statistics_metrics(const StatisticsSnapshot& snapshot, MetricsFormat format,
                              Output& output) noexcept {
  const luna_stats_detail& detail = snapshot.detail();
  MetricsOutput out(output, format);
  for (const StatisticField& field : kStatisticFields) add_field(out, field, detail.*field.value);
  add_share(out, "page_fragmentation_ratio", "Of free pages, the part outside the longest range",
            page_fragmentation(detail));
  add_share(out, "slab_fragmentation_ratio", "Of slabs, the part without blocks in use",
            slab_fragmentation(detail));
  add_share(out, "cache_hit_ratio", "Of blocks put into lists of threads, those that were hits",
            hit_share(detail));
  add_share(out, "cache_miss_ratio", "Of accesses to the processor's last cache, the misses",
            cache_miss_share(detail));
  add_share(out, "tlb_miss_ratio", "Of loads of data, those that missed the TLB",
            tlb_miss_share(detail));
  add_share(out, "unaccounted_ratio", "Difference of resident and accounted bytes",
            unaccounted(detail));
  if ((snapshot.what() & LUNA_STATS_CLASSES) != 0)
    for (const ClassField& field : kClassFields) add_class_field(out, snapshot, field);
  if (!snapshot.heaps().rows().empty())
    for (const HeapField& field : kHeapFields) add_heap_field(out, snapshot, field);
  out.end();
}

}  // namespace luna
