// SPDX-License-Identifier: MIT
#include "telemetry/patterns_json.hpp"

#include "telemetry/amounts.hpp"
#include "telemetry/anomalies.hpp"
#include "telemetry/json.hpp"
#include "telemetry/patterns.hpp"
#include "telemetry/top_sites.hpp"
#include "telemetry/waves.hpp"

#include <string_view>

namespace luna {

namespace {

void add_estimate(Output& out, std::string_view name, double value) noexcept {
  add_number(out, name, rounded(value));
}

// What separates the elements of a list.
class Separator {
 public:
  [[nodiscard]] std::string_view next() noexcept {
    const std::string_view text = is_first_ ? "\n" : ",\n";
    is_first_ = false;
    return text;
  }

 private:
  bool is_first_ = true;
};

void add_threads(Output& out, const ThreadNumbers& threads) noexcept {
  add_name(out, "threads").add("[");
  Separator separator;
  const std::uint32_t last = threads.last();
  constexpr std::uint32_t kLabels = ThreadNumbers::kLabels;
  const std::uint32_t before = last > kLabels ? last - kLabels : 0;
  for (std::uint32_t number = before; number < last; ++number) {
    const ThreadLabel* label = threads.label_of(number + 1);
    if (label == nullptr) continue;
    add_number(out.add(separator.next()).add("{"), "number", label->number);
    add_number(out.add(","), "tid", label->id);
    add_string(add_name(out.add(","), "name"), label->name.data());
    out.add("}");
  }
  out.add("]");
}

void add_pairs(Output& out, const ThreadPairs& pairs) noexcept {
  add_estimate(add_name(out, "freed_bytes").add("{"), "by_same_thread", pairs.own_bytes());
  add_estimate(out.add(","), "by_others", pairs.crossed_bytes());
  add_estimate(out.add(","), "unknown", pairs.unknown_bytes());
  add_number(out.add("},\n"), "merged_pairs", pairs.merges());
  add_name(out.add(",\n"), "thread_pairs").add("[");
  Separator separator;
  for (const ThreadPair& pair : pairs.pairs()) {
    if (pair.from == 0) continue;
    add_number(out.add(separator.next()).add("{"), "from", pair.from);
    add_number(out.add(","), "to", pair.to);
    add_estimate(out.add(","), "objects", pair.objects);
    add_estimate(out.add(","), "bytes", pair.bytes);
    out.add("}");
  }
  out.add("]");
}

void add_waves(Output& out, const Waves& waves) noexcept {
  add_name(out, "waves");
  if (!(waves.correlation > 0)) {
    out.add("null");
    return;
  }
  add_estimate(out.add("{"), "period_ns", waves.period);
  add_estimate(out.add(","), "swing_bytes", waves.swing_bytes);
  add_estimate(out.add(","), "mean_bytes", waves.mean_bytes);
  add_estimate(out.add(","), "correlation_percent", waves.correlation * 100);
  add_number(out.add(","), "window_ns", waves.window_ns);
  out.add("}");
}

[[nodiscard]] std::string_view name_of(AnomalyKind kind) noexcept {
  if (kind == AnomalyKind::kRate) return "bytes_per_second";
  return kind == AnomalyKind::kSize ? "mean_size" : "mean_lifetime_ns";
}

void add_anomalies(Output& out, const Anomalies& anomalies) noexcept {
  add_name(out, "anomalies").add("[");
  Separator separator;
  for (std::size_t i = 0; i < anomalies.count; ++i) {
    const Anomaly& anomaly = anomalies.list[i];
    add_number(out.add(separator.next()).add("{"), "site", anomaly.site);
    add_string(add_name(out.add(","), "of"), name_of(anomaly.kind));
    add_estimate(out.add(","), "now", anomaly.now);
    add_estimate(out.add(","), "before", anomaly.before);
    add_number(out.add(","), "samples", anomaly.samples);
    add_number(out.add(","), "samples_before", anomaly.samples_before);
    add_number(out.add(","), "recent_ns", anomaly.recent_ns);
    add_estimate(out.add(","), "strength", anomaly.strength);
    out.add("}");
  }
  out.add("]");
}

void add_elsewhere(Output& out, const Profile& profile) noexcept {
  add_name(out, "freed_by_others").add("[");
  Separator separator;
  for (std::size_t i = 0; i < profile.count && out.ok(); ++i) {
    const double bytes = profile.rows[i].activity.elsewhere_bytes;
    if (rounded(bytes) == 0) continue;
    add_number(out.add(separator.next()).add("{"), "site", i);
    add_estimate(out.add(","), "bytes", bytes);
    out.add("}");
  }
  out.add("]");
}

void add_top_sites(Output& out, const Profile& profile) noexcept {
  add_name(out, "top_sites").add("[");
  Separator separator;
  const TopSites top(profile);
  for (std::size_t i = 0; i < top.count; ++i) {
    const ProfileRow& row = profile.rows[top.rows[i]];
    add_number(out.add(separator.next()).add("{"), "site", top.rows[i]);
    add_number(out.add(","), "usual_size_bucket", usual_size(row));
    add_estimate(out.add(","), "temporary_percent",
                 row.allocated.objects > 0
                     ? 100 * row.lifetimes.temporary_objects / row.allocated.objects
                     : 0);
    out.add("}");
  }
  out.add("]");
}

}  // namespace

void write_patterns_json(const Profile& profile, Output& out) noexcept {
  const Patterns& patterns = *profile.patterns;
  add_threads(out.add("{"), patterns.threads);
  add_pairs(out.add(",\n"), patterns.pairs);
  add_elsewhere(out.add(",\n"), profile);
  add_waves(out.add(",\n"), find_waves(patterns.demand));
  add_anomalies(out.add(",\n"), find_anomalies(profile));
  add_top_sites(out.add(",\n"), profile);
  out.add("}");
}

}  // namespace luna
