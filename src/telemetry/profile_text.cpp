// SPDX-License-Identifier: MIT
#include "telemetry/profile_text.hpp"

#include "base/format.hpp"
#include "telemetry/amounts.hpp"
#include "telemetry/columns.hpp"
#include "telemetry/frames.hpp"
#include "telemetry/patterns_text.hpp"
#include "telemetry/time_text.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace luna {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// What is shown of one site, or of all.
struct Values {
  double objects = 0;
  double bytes = 0;
  std::uint64_t samples = 0;
};

void add_values(const Shown& shown, const ProfileRow& row, Values& values) noexcept {
  values.objects += shown.objects.value(row);
  values.bytes += shown.bytes.value(row);
  if (shown.samples != nullptr) values.samples += shown.samples(row);
}

// The order of sites: most bytes first, and as they came among equals.
struct Order {
  const Profile& profile;
  const Column& column;

  [[nodiscard]] double bytes_of(std::size_t site) const noexcept {
    return column.value(profile.rows[site]);
  }

  [[nodiscard]] bool stands_before(std::size_t one, std::size_t other) const noexcept {
    const double bytes = bytes_of(one);
    const double others = bytes_of(other);
    return bytes > others || (bytes == others && one < other);
  }

  // The first site in that order which stands behind `last`; profile.count: there is none.
  // To start with, `last` is profile.count.
  [[nodiscard]] std::size_t next_site(std::size_t last) const noexcept {
    std::size_t best = profile.count;
    for (std::size_t i = 0; i < profile.count; ++i) {
      const bool is_done = last != profile.count && !stands_before(last, i);
      if (is_done || rounded_signed(bytes_of(i)) == 0) continue;
      if (best == profile.count || stands_before(i, best)) best = i;
    }
    return best;
  }
};

[[nodiscard]] std::uint64_t magnitude_of(double value) noexcept {
  return rounded(value < 0 ? -value : value);
}

[[nodiscard]] std::string_view sign_of(double value) noexcept {
  return rounded_signed(value) < 0 ? "-" : "";
}

void add_amount(Output& out, const Values& values) noexcept {
  out.add(sign_of(values.bytes)).add_bytes(magnitude_of(values.bytes)).add(" in ");
  out.add(sign_of(values.objects)).add_decimal(magnitude_of(values.objects));
  out.add(rounded_signed(values.objects) == 1 ? " object" : " objects");
}

void add_total(Output& out, std::string_view label, const Shown& shown,
               const Values& values) noexcept {
  constexpr std::string_view kBlanks = "           ";
  out.add(label).add(":").add(part_of(kBlanks, label.size() + 1));
  add_amount(out, values);
  if (shown.samples != nullptr)
    out.add(" (estimated from ").add_decimal(values.samples).add(" samples)");
  out.add("\n");
}

// Where it was measured.
void add_cost(Output& out, const SamplingCost& cost) noexcept {
  if (cost.cpu_ns == 0) return;
  out.add("Sampling:  ").add_percent(cost.sampling_ns, cost.cpu_ns).add(" of the CPU time");
  if (cost.widened != 0) {
    out.add("; the interval was widened ").add_decimal(cost.widened).add(" times, ");
    out.add_bytes(cost.asked_interval).add(" was asked for");
  }
  out.add("\n");
}

void add_head(Output& out, const Profile& profile, const KindColumns& kind) noexcept {
  const std::uint64_t since = profile.kind == ProfileKind::kGrowth ? profile.marked_ns : 0;
  out.add(kind.title).add(" of ");
  out.add_decimal((profile.duration_ns - since) / kNanosecondsPerSecond);
  out.add(" s, one sample for ").add_bytes(profile.interval_bytes).add(" on the average\n");
  if (profile.kind == ProfileKind::kLifetimes)
    out.add("Lifetimes are drawn by factors of 4, from below 1 us to above 72 minutes\n");
  if (profile.kind == ProfileKind::kTemporary) {
    add_time(out.add("Temporary is what was freed within "),
             static_cast<double>(profile.temporary_ns));
    out.add("\n");
  }
}

// A character for each bucket, by its share of the fullest.
void add_drawing(Output& out, const Histogram<kLifetimeBuckets>& histogram) noexcept {
  constexpr std::string_view kHeights = ".:-=+*#%@";
  float most = 0;
  for (const float weight : histogram.weights) most = weight > most ? weight : most;
  std::array<char, kLifetimeBuckets> drawing;
  for (std::size_t i = 0; i < drawing.size(); ++i) {
    const float weight = histogram.weights[i];
    const float height = weight / most * static_cast<float>(kHeights.size() - 1);
    drawing[i] = weight > 0 ? kHeights[static_cast<std::size_t>(height)] : ' ';
  }
  out.add("|").add({drawing.data(), drawing.size()}).add("|");
}

void add_details(Output& out, ProfileKind kind, const ProfileRow& row) noexcept {
  const Lifetimes& lifetimes = row.lifetimes;
  if (kind == ProfileKind::kLifetimes) {
    add_drawing(out.add("    "), lifetimes.histogram);
    add_time(out.add(" mean "), lifetimes.nanoseconds / lifetimes.objects);
    out.add("\n");
  }
  if (kind == ProfileKind::kTemporary) {
    out.add("    ").add_percent(rounded(lifetimes.temporary_objects),
                                rounded(row.allocated.objects));
    out.add(" of the objects and ")
        .add_percent(rounded(lifetimes.temporary_bytes), rounded(row.allocated.bytes));
    out.add(" of the bytes from here\n");
  }
}

void add_site(Output& out, const KindColumns& kind, const ProfileRow& row,
              const Values& total) noexcept {
  Values shown;
  Values whole;
  add_values(kind.shown, row, shown);
  add_values(kind.whole, row, whole);
  add_amount(out, shown);
  if (shown.bytes > 0 && total.bytes > 0)
    out.add(" (").add_percent(rounded(shown.bytes), rounded(total.bytes)).add(")");
  add_amount(out.add(", of "), whole);
  add_labels(out.add(" allocated"), row.labels);
  out.add("\n");
}

void add_stack(Output& out, Modules modules, const Stack& stack) noexcept {
  for (std::size_t i = 0; i < stack.depth; ++i) {
    add_frame(out.add("    "), modules, stack.frames[i]);
    out.add("\n");
  }
}

}  // namespace

bool write_profile_text(const Profile& profile, Modules modules, std::size_t max_sites,
                        Output& out) noexcept {
  const KindColumns& kind = columns_of(profile.kind);
  Values shown;
  Values whole;
  for (std::size_t i = 0; i < profile.count; ++i) {
    add_values(kind.shown, profile.rows[i], shown);
    add_values(kind.whole, profile.rows[i], whole);
  }
  add_head(out, profile, kind);
  add_total(out, kind.label, kind.shown, shown);
  add_total(out, "Allocated", kind.whole, whole);
  if (profile.dropped_samples != 0)
    out.add("Dropped:   ").add_decimal(profile.dropped_samples).add(" samples, not counted here\n");
  add_cost(out, profile.cost);
  if (profile.unlabelled_samples != 0)
    out.add("Unlabelled: ")
        .add_decimal(profile.unlabelled_samples)
        .add(" samples, for lack of room\n");
  if (profile.refused_frame_names != 0)
    out.add("Unnamed:   ")
        .add_decimal(profile.refused_frame_names)
        .add(" names of frames were refused, for lack of room\n");
  const Order order = {profile, kind.shown.bytes};
  std::size_t site = profile.count;
  for (std::size_t place = 1; place <= max_sites && out.ok(); ++place) {
    site = order.next_site(site);
    if (site == profile.count) break;
    const ProfileRow& row = profile.rows[site];
    add_site(out.add("\n").add_decimal(place).add(". "), kind, row, shown);
    add_details(out, profile.kind, row);
    add_stack(out, modules, row.stack);
  }
  if (profile.patterns != nullptr) write_patterns_text(profile, modules, out);
  return out.ok();
}

}  // namespace luna
