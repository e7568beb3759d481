// SPDX-License-Identifier: MIT
// Sums over a profile, and its estimates as the whole numbers that the formats want.
#pragma once

#include "telemetry/profile.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

struct Totals {
  Amount allocated;
  Amount live;
  Amount peak;
};

[[nodiscard]] inline Totals totals_of(const Profile& profile) noexcept {
  Totals totals;
  for (std::size_t i = 0; i < profile.count; ++i) {
    totals.allocated += profile.rows[i].allocated;
    totals.live += profile.rows[i].live;
    totals.peak += profile.rows[i].peak;
  }
  return totals;
}

// Never more than a signed number holds, for some formats have only those.
[[nodiscard]] constexpr std::uint64_t rounded(double estimate) noexcept {
  constexpr double kTooMuch = 9223372036854775808.0;  // 2^63
  if (!(estimate > 0)) return 0;
  if (estimate >= kTooMuch) return INT64_MAX;
  // The half is lost on numbers so large that they are whole anyway.
  const auto whole = static_cast<std::uint64_t>(estimate);
  return whole + (estimate - static_cast<double>(whole) >= 0.5 ? 1 : 0);
}

// The same with a sign.
[[nodiscard]] constexpr std::int64_t rounded_signed(double estimate) noexcept {
  const auto magnitude = static_cast<std::int64_t>(rounded(estimate < 0 ? -estimate : estimate));
  return estimate < 0 ? -magnitude : magnitude;
}

}  // namespace luna
