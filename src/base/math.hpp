// SPDX-License-Identifier: MIT
// The two functions of analysis that sampling needs, since the allocator links no libm.
#pragma once

#include <bit>
#include <cstdint>

namespace luna {

// The natural logarithm, to 12 digits. Requires: x is normal and > 0.
[[nodiscard]] constexpr double natural_log(double x) noexcept {
  constexpr double kLog2 = 0.693147180559945309417;
  constexpr double kRoot2 = 1.41421356237309504880;
  constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
  auto mantissa = std::bit_cast<double>((bits & kMantissa) | std::uint64_t{1023} << 52);
  if (mantissa > kRoot2) {
    mantissa /= 2;
    ++exponent;
  }
  // ln m = 2 artanh s, whose series converges fast for |s| <= 0.172.
  const double s = (mantissa - 1) / (mantissa + 1);
  double sum = 0;
  for (int power = 15; power >= 1; power -= 2) sum = sum * s * s + 1.0 / power;
  return static_cast<double>(exponent) * kLog2 + 2 * s * sum;
}

// 1 - e^-x, to 12 digits, also where x is tiny. Requires: x >= 0.
[[nodiscard]] constexpr double one_minus_exp(double x) noexcept {
  if (x > 40) return 1;
  if (x > 0.25) {  // e^-x is the square of e^(-x/2), so 1 - e^-x = h (2 - h)
    const double half = one_minus_exp(x / 2);
    return half * (2 - half);
  }
  double sum = 0;
  for (int n = 12; n >= 1; --n) sum = (1 - sum) * x / n;
  return sum;
}

}  // namespace luna
