// SPDX-License-Identifier: MIT
#include "os/pressure_stall.hpp"

#include "base/format.hpp"

#include <array>

namespace luna::os {

namespace {

// The value of the next word, as in avg10=0.12. Empty: the word is another one.
[[nodiscard]] std::string_view take_value(std::string_view& line, std::string_view key) noexcept {
  const std::string_view word = take_part(line, ' ');
  return word.starts_with(key) ? part_of(word, key.size()) : std::string_view{};
}

// 1.23 is 123. False: it is not such a number.
[[nodiscard]] bool parse_hundredths(std::string_view text, std::uint64_t& value) noexcept {
  constexpr std::uint64_t kMost = 100;
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  const std::string_view percent = take_part(text, '.');
  if (text.size() != 2 || !parse_decimal(percent, whole) || !parse_decimal(text, fraction))
    return false;
  if (whole > kMost) return false;
  value = whole * 100 + fraction;
  return true;
}

// avg10=0.00 avg60=0.00 avg300=0.00 total=0: all of it, or nothing.
void parse_times(std::string_view line, StallTimes& times) noexcept {
  StallTimes parsed;
  if (parse_hundredths(take_value(line, "avg10="), parsed.last_10_s) &&
      parse_hundredths(take_value(line, "avg60="), parsed.last_60_s) &&
      parse_hundredths(take_value(line, "avg300="), parsed.last_300_s) &&
      parse_decimal(take_value(line, "total="), parsed.total_us))
    times = parsed;
}

}  // namespace

PressureStall read_pressure_stall(const KernelFile& file) noexcept {
  PressureStall stall;
  std::array<char, 256> buffer;
  LineReader lines(file, buffer.data(), buffer.size());
  for (std::string_view line; lines.next(line);) {
    const std::string_view who = take_part(line, ' ');
    if (who == "some") parse_times(line, stall.some);
    if (who == "full") parse_times(line, stall.full);
  }
  return stall;
}

}  // namespace luna::os
