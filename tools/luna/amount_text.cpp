// SPDX-License-Identifier: MIT
#include "amount_text.hpp"

#include "byte_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace luna::tool {

namespace {

[[nodiscard]] std::string with_one_digit(double value, const char* unit) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.1f %s", value, unit);
  return text.data();
}

[[nodiscard]] std::string bytes_with_sign(double bytes) {
  const std::string text = byte_text(static_cast<std::uint64_t>(std::abs(bytes)));
  return bytes < 0 ? '-' + text : text;
}

[[nodiscard]] std::string time_text(double nanoseconds) {
  constexpr std::array kUnits = {"ns", "us", "ms", "s"};
  std::size_t unit = 0;
  for (; std::abs(nanoseconds) >= 999.95 && unit + 1 < kUnits.size(); ++unit) nanoseconds /= 1000;
  return with_one_digit(nanoseconds, kUnits[unit]);
}

}  // namespace

std::string amount_text(std::int64_t amount, std::string_view unit) {
  const auto value = static_cast<double>(amount);
  if (unit == "bytes") return bytes_with_sign(value);
  if (unit == "nanoseconds") return time_text(value);
  if (unit == "byte_milliseconds") return bytes_with_sign(value / 1000) + " s";
  if (unit == "count") return std::to_string(amount) + (amount == 1 ? " object" : " objects");
  return std::to_string(amount) + " " + std::string(unit);
}

std::string share_text(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "-";
  return with_one_digit(100 * static_cast<double>(part) / static_cast<double>(whole), "%");
}

std::string hex_text(std::uint64_t value) {
  std::array<char, 18> text = {'0', 'x'};
  const auto result = std::to_chars(text.data() + 2, text.data() + text.size(), value, 16);
  return {text.data(), result.ptr};
}

}  // namespace luna::tool
