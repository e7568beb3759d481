// SPDX-License-Identifier: MIT
#include "telemetry/profile_text.hpp"

#include "telemetry/amounts.hpp"
#include "telemetry/frames.hpp"

#include <cstdint>

namespace luna {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// The order of sites: most live bytes first, and as they came among equals.
[[nodiscard]] bool stands_before(const Profile& profile, std::size_t one,
                                 std::size_t other) noexcept {
  const double bytes = profile.rows[one].live.bytes;
  const double others = profile.rows[other].live.bytes;
  return bytes > others || (bytes == others && one < other);
}

// The first site in that order which stands behind `last`; profile.count: there is none.
// To start with, `last` is profile.count.
[[nodiscard]] std::size_t next_site(const Profile& profile, std::size_t last) noexcept {
  std::size_t best = profile.count;
  for (std::size_t i = 0; i < profile.count; ++i) {
    const bool is_done = last != profile.count && !stands_before(profile, last, i);
    if (is_done || rounded(profile.rows[i].live.bytes) == 0) continue;
    if (best == profile.count || stands_before(profile, i, best)) best = i;
  }
  return best;
}

void add_amount(Output& out, const Amount& amount) noexcept {
  out.add_bytes(rounded(amount.bytes)).add(" in ").add_decimal(rounded(amount.objects));
  out.add(rounded(amount.objects) == 1 ? " object" : " objects");
}

void add_totals(Output& out, const Profile& profile, const Totals& totals) noexcept {
  out.add("Heap profile of ").add_decimal(profile.duration_ns / kNanosecondsPerSecond);
  out.add(" s, one sample for ").add_bytes(profile.interval_bytes).add(" on the average\n");
  add_amount(out.add("Live:      "), totals.live);
  out.add(" (estimated from ").add_decimal(totals.live.samples).add(" samples)\n");
  add_amount(out.add("Allocated: "), totals.allocated);
  out.add(" (estimated from ").add_decimal(totals.allocated.samples).add(" samples)\n");
  if (profile.dropped_samples == 0) return;
  out.add("Dropped:   ").add_decimal(profile.dropped_samples).add(" samples, not counted here\n");
}

void add_site(Output& out, Modules modules, const ProfileRow& row, const Amount& live) noexcept {
  add_amount(out, row.live);
  out.add(" (").add_percent(rounded(row.live.bytes), rounded(live.bytes)).add("), of ");
  add_amount(out, row.allocated);
  out.add(" allocated\n");
  for (std::size_t i = 0; i < row.stack.depth; ++i) {
    add_frame(out.add("    "), modules, row.stack.frames[i]);
    out.add("\n");
  }
}

}  // namespace

bool write_profile_text(const Profile& profile, Modules modules, std::size_t max_sites,
                        Output& out) noexcept {
  const Totals totals = totals_of(profile);
  add_totals(out, profile, totals);
  std::size_t site = profile.count;
  for (std::size_t place = 1; place <= max_sites && out.ok(); ++place) {
    site = next_site(profile, site);
    if (site == profile.count) break;
    out.add("\n").add_decimal(place).add(". ");
    add_site(out, modules, profile.rows[site], totals.live);
  }
  return out.ok();
}

}  // namespace luna
