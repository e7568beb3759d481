// SPDX-License-Identifier: MIT
#include "amount_text.hpp"

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

template <std::size_t kCount>
[[nodiscard]] std::string scaled(double value, double factor,
                                 const std::array<const char*, kCount>& units) {
  std::size_t unit = 0;
  // What would be rounded up to the next unit is of that.
  for (; std::abs(value) >= factor - 0.05 && unit + 1 < kCount; ++unit) value /= factor;
  return with_one_digit(value, units[unit]);
}

}  // namespace

std::string amount_text(std::int64_t amount, std::string_view unit) {
  const auto value = static_cast<double>(amount);
  constexpr std::array<const char*, 7> kBytes = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  constexpr std::array<const char*, 4> kTimes = {"ns", "us", "ms", "s"};
  const bool is_small = amount > -1024 && amount < 1024;
  if (unit == "bytes" && is_small) return std::to_string(amount) + " B";
  if (unit == "bytes") return scaled(value, 1024, kBytes);
  if (unit == "nanoseconds") return scaled(value, 1000, kTimes);
  if (unit == "byte_milliseconds") return scaled(value / 1000, 1024, kBytes) + " s";
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
