// SPDX-License-Identifier: MIT
// Times of any size for people.
#pragma once

#include "base/output.hpp"
#include "telemetry/amounts.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace luna {

// With two digits at least, and the largest unit that allows it.
inline void add_time(Output& out, double nanoseconds) noexcept {
  struct Unit {
    std::string_view name;
    double nanoseconds;
  };
  static constexpr std::array<Unit, 4> kUnits = {
      Unit{" ns", 1}, {" us", 1e3}, {" ms", 1e6}, {" s", 1e9}};
  std::size_t unit = kUnits.size() - 1;
  while (unit > 0 && nanoseconds < 10 * kUnits[unit].nanoseconds) --unit;
  out.add_decimal(rounded(nanoseconds / kUnits[unit].nanoseconds)).add(kUnits[unit].name);
}

}  // namespace luna
