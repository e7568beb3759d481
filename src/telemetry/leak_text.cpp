// SPDX-License-Identifier: MIT
#include "telemetry/leak_text.hpp"

#include "base/format.hpp"
#include "telemetry/amounts.hpp"
#include "telemetry/frames.hpp"

#include <array>

namespace luna {

namespace {

constexpr std::size_t kMostSuspects = 40;
constexpr std::size_t kMostOthers = 10;

// A line with what Text knows how to write and Output does not.
struct Line {
  std::array<char, 320> buffer;
  Text text{buffer.data(), buffer.size()};
};

[[nodiscard]] std::uint64_t percent(double share) noexcept { return rounded(share * 100); }

void add_duration(Output& out, std::uint64_t milliseconds) noexcept {
  Line line;
  add_duration(line.text, milliseconds);
  out.add(line.text.view());
}

void add_amount(Output& out, const Amount& amount) noexcept {
  out.add_bytes(rounded(amount.bytes)).add(" in ").add_decimal(rounded(amount.objects));
  out.add(rounded(amount.objects) == 1 ? " object" : " objects");
}

void add_head(Output& out, const LeakReport& report) noexcept {
  const LeakProfile& profile = report.profile();
  add_duration(out.add("Leak report of "), profile.now.ms - profile.began.ms);
  out.add(", one sample for ").add_bytes(profile.interval_bytes).add(" on the average\n");
  out.add("Sites: ");
  if (profile.is_proved) out.add_decimal(report.count_of(LeakClass::kLost)).add(" lost, ");
  out.add_decimal(report.count_of(LeakClass::kLeak)).add(" leak, ");
  out.add_decimal(report.count_of(LeakClass::kGrows)).add(" grow, ");
  out.add_decimal(report.suppressed()).add(" suppressed; ");
  out.add_decimal(report.count_of(LeakClass::kPlateau)).add(" have levelled off, ");
  out.add_decimal(report.count_of(LeakClass::kBurst)).add(" came at once and stay, ");
  out.add_decimal(report.count_of(LeakClass::kSteady)).add(" are steady\n");
  if (profile.dropped_samples == 0) return;
  out.add("Dropped: ").add_decimal(profile.dropped_samples).add(" samples, not judged here\n");
}

void add_site(Output& out, const LeakReport& report, const RankedSite& site) noexcept {
  const LeakRow& row = report.row_of(site);
  out.add(name_of(site.verdict.leak_class)).add(", confidence ");
  out.add_decimal(percent(site.verdict.confidence)).add(" %: ");
  add_amount(out, row.live);
  add_labels(out, row.labels);
  Line reason;
  add_reason(reason.text, site.verdict);
  out.add("\n   ").add(reason.text.view()).add("\n");
  for (std::size_t i = 0; i < row.stack.depth; ++i) {
    const std::uintptr_t frame = row.stack.frames[i];
    add_frame(out.add("    "), report.modules(), frame);
    const bool is_told = !runtime_name_of(report.modules(), frame).empty();
    const std::string_view name = is_told ? std::string_view{} : report.name_of(frame);
    if (!name.empty()) out.add(" ").add(name);
    out.add("\n");
  }
}

// Those from `place` on that are suspects, or are not. Returns where it ended.
std::size_t add_sites(Output& out, const LeakReport& report, std::size_t place,
                      bool suspects) noexcept {
  const std::size_t most = suspects ? kMostSuspects : kMostOthers;
  std::size_t number = 0;
  for (; place < report.count() && out.ok(); ++place) {
    const RankedSite& site = report[place];
    if (is_suspect(site.verdict.leak_class) != suspects) break;
    if (site.is_suppressed || ++number > most) continue;
    add_site(out.add("\n").add_decimal(number).add(". "), report, site);
  }
  if (number > most) out.add("\nand ").add_decimal(number - most).add(" more\n");
  return place;
}

void add_suppressions(Output& out, const Suppressions& suppressions) noexcept {
  bool is_first = true;
  for (std::size_t i = 0; i < suppressions.count(); ++i) {
    const Suppression& row = suppressions[i];
    if (row.count == 0) continue;
    if (is_first) out.add("\nSuppressions used:\n  sites  bytes  pattern\n");
    is_first = false;
    out.add("  ").add_decimal(row.count).add("  ").add_decimal(rounded(row.bytes));
    out.add("  ").add(row.pattern).add("\n");
  }
}

}  // namespace

bool write_leak_text(const LeakReport& report, const Suppressions& suppressions,
                     Output& out) noexcept {
  add_head(out, report);
  if (report.count_of(LeakClass::kLost) + report.count_of(LeakClass::kLeak) +
          report.count_of(LeakClass::kGrows) ==
      0)
    out.add("\nNothing is suspected of being a leak.\n");
  const std::size_t others = add_sites(out, report, 0, true);
  if (others < report.count()) out.add("\nNot leaks, as it seems, or too early to tell:\n");
  static_cast<void>(add_sites(out, report, others, false));
  add_suppressions(out, suppressions);
  return out.ok();
}

}  // namespace luna
