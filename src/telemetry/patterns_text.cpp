// SPDX-License-Identifier: MIT
#include "telemetry/patterns_text.hpp"

#include "telemetry/amounts.hpp"
#include "telemetry/anomalies.hpp"
#include "telemetry/frames.hpp"
#include "telemetry/patterns.hpp"
#include "telemetry/time_text.hpp"
#include "telemetry/top_sites.hpp"
#include "telemetry/waves.hpp"

#include <array>
#include <string_view>

namespace luna {

namespace {

constexpr std::size_t kPairsForPeople = 5;

void add_estimate(Output& out, double bytes) noexcept { out.add_bytes(rounded(bytes)); }

void add_thread(Output& out, const ThreadNumbers& threads, std::uint32_t number) noexcept {
  out.add("thread ").add_decimal(number);
  const ThreadLabel* label = threads.label_of(number);
  if (label == nullptr) return;
  out.add(" (");
  // Programs choose these names; a line of ours stays a line.
  for (const char character : std::string_view(label->name.data()))
    out.add(character < ' ' ? std::string_view("_") : std::string_view(&character, 1));
  out.add(", tid ").add_decimal(label->id).add(")");
}

void add_place(Output& out, Modules modules, const Profile& profile, std::size_t site) noexcept {
  const Stack& stack = profile.rows[site].stack;
  if (stack.depth == 0) {
    out.add("a site without a stack");
  } else {
    add_frame(out, modules, stack.frames[0]);
  }
}

// The pair with most bytes of those that have less than `last`; among equals as they stand.
[[nodiscard]] const ThreadPair* next_pair(const ThreadPairs& pairs,
                                          const ThreadPair* last) noexcept {
  const ThreadPair* best = nullptr;
  for (const ThreadPair& pair : pairs.pairs()) {
    const bool is_done = last != nullptr &&
                         (pair.bytes > last->bytes || (pair.bytes == last->bytes && &pair <= last));
    if (pair.from == 0 || is_done) continue;
    if (best == nullptr || pair.bytes > best->bytes) best = &pair;
  }
  return best;
}

void add_pairs(Output& out, const Patterns& patterns) noexcept {
  const ThreadPairs& pairs = patterns.pairs;
  const double known = pairs.own_bytes() + pairs.crossed_bytes();
  if (!(known > 0)) return;
  out.add("Other threads than those that allocated freed ");
  add_estimate(out, pairs.crossed_bytes());
  out.add(" of ");
  add_estimate(out, known);
  out.add(" (").add_percent(rounded(pairs.crossed_bytes()), rounded(known)).add(")\n");
  const ThreadPair* pair = nullptr;
  for (std::size_t i = 0; i < kPairsForPeople; ++i) {
    pair = next_pair(pairs, pair);
    if (pair == nullptr) break;
    add_thread(out.add("    "), patterns.threads, pair->from);
    add_thread(out.add(" to "), patterns.threads, pair->to);
    add_estimate(out.add(": "), pair->bytes);
    out.add(" in ").add_decimal(rounded(pair->objects));
    out.add(rounded(pair->objects) == 1 ? " object\n" : " objects\n");
  }
}

void add_waves(Output& out, const Waves& waves) noexcept {
  if (!(waves.correlation > 0)) return;
  add_time(out.add("Live bytes go in waves: one in "), waves.period);
  add_estimate(out.add(", "), waves.swing_bytes);
  add_estimate(out.add(" from low to high around "), waves.mean_bytes);
  out.add(" (correlation ").add_decimal(rounded(waves.correlation * 100));
  add_time(out.add(" % over the last "), static_cast<double>(waves.window_ns));
  out.add(")\n");
}

void add_value(Output& out, AnomalyKind kind, double value) noexcept {
  if (kind == AnomalyKind::kLifetime) return add_time(out, value);
  add_estimate(out, value);
  if (kind == AnomalyKind::kRate) out.add("/s");
}

void add_anomaly(Output& out, const Anomaly& anomaly) noexcept {
  static constexpr std::array<std::string_view, 3> kNames = {"rate", "mean size", "mean lifetime"};
  out.add(kNames[static_cast<std::size_t>(anomaly.kind)]).add(" ");
  if (anomaly.now > 0 && anomaly.before > 0) {
    const bool grew = anomaly.now > anomaly.before;
    const double factor = grew ? anomaly.now / anomaly.before : anomaly.before / anomaly.now;
    out.add(grew ? "" : "1/").add_decimal(rounded(factor)).add(" x its own past: ");
  } else {
    out.add("unlike its own past: ");
  }
  add_value(out, anomaly.kind, anomaly.now);
  add_time(out.add(" in the last "), static_cast<double>(anomaly.recent_ns));
  add_value(out.add(", "), anomaly.kind, anomaly.before);
  out.add(" before (").add_decimal(anomaly.samples).add(" and ");
  out.add_decimal(anomaly.samples_before).add(" samples)\n");
}

void add_top_site(Output& out, const ProfileRow& row) noexcept {
  const std::size_t bucket = usual_size(row);
  const bool bounded = bucket + 1 < kSizeBuckets;
  out.add(": blocks are mostly of ").add(bounded ? "up to " : "more than ");
  out.add_bytes(size_bound(bounded ? bucket : bucket - 1)).add(", ");
  out.add_percent(rounded(row.lifetimes.temporary_objects), rounded(row.allocated.objects));
  out.add(" temporary");
  if (row.activity.elsewhere_bytes > 0 && row.lifetimes.bytes > 0) {
    out.add(", ").add_percent(rounded(row.activity.elsewhere_bytes), rounded(row.lifetimes.bytes));
    out.add(" of the freed bytes freed by other threads");
  }
  out.add("\n");
}

}  // namespace

void write_patterns_text(const Profile& profile, Modules modules, Output& out) noexcept {
  out.add("\nPatterns\n");
  add_pairs(out, *profile.patterns);
  add_waves(out, find_waves(profile.patterns->demand));
  const Anomalies anomalies = find_anomalies(profile);
  for (std::size_t i = 0; i < anomalies.count && out.ok(); ++i) {
    add_place(out, modules, profile, anomalies.list[i].site);
    add_anomaly(out.add(": "), anomalies.list[i]);
  }
  const TopSites top(profile);
  for (std::size_t i = 0; i < top.count && out.ok(); ++i) {
    add_place(out, modules, profile, top.rows[i]);
    add_top_site(out, profile.rows[top.rows[i]]);
  }
}

}  // namespace luna
