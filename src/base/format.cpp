// SPDX-License-Identifier: MIT
#include "base/format.hpp"

#include "base/inline_text.hpp"

#include <array>

namespace luna {

Text& Text::add(std::string_view text) noexcept {
  for (const char character : text) {
    if (length_ == capacity_) break;
    buffer_[length_++] = character;
  }
  return *this;
}

Text& Text::add_decimal(std::uint64_t value) noexcept {
  std::array<char, 20> digits;
  std::size_t first = digits.size();
  do {
    digits[--first] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return add({&digits[first], digits.size() - first});
}

Text& Text::add_hex(std::uint64_t value) noexcept {
  std::array<char, 16> digits;
  std::size_t first = digits.size();
  do {
    digits[--first] = "0123456789abcdef"[value % 16];
    value /= 16;
  } while (value != 0);
  return add("0x").add({&digits[first], digits.size() - first});
}

Text& Text::add_bytes(std::uint64_t bytes) noexcept {
  static constexpr std::array<InlineText<5>, 5> kUnits = {" B", " KiB", " MiB", " GiB", " TiB"};
  if (bytes < 1024) return add_decimal(bytes).add(kUnits[0]);
  std::size_t unit = 1;
  while (unit + 1 < kUnits.size() && bytes >> (10 * (unit + 1)) != 0) ++unit;
  const auto shift = static_cast<unsigned>(10 * unit);
  const std::uint64_t whole = bytes >> shift;
  const std::uint64_t fraction = bytes - (whole << shift);
  return add_tenths(whole * 10 + (fraction * 10 >> shift)).add(kUnits[unit]);
}

Text& Text::add_percent(std::uint64_t part, std::uint64_t whole) noexcept {
  return add_tenths(whole == 0 ? 0 : part * 1000 / whole).add(" %");
}

Text& Text::add_tenths(std::uint64_t tenths) noexcept {
  return add_decimal(tenths / 10).add(".").add_decimal(tenths % 10);
}

}  // namespace luna
