// SPDX-License-Identifier: MIT
#include "printable.hpp"

#include <cstddef>
#include <cstdint>

namespace luna::tool {

namespace {

struct Character {
  std::size_t bytes = 1;
  bool is_shown = false;
};

// How many bytes a character has that begins so; 0: none does.
[[nodiscard]] std::size_t length_of(unsigned char first) noexcept {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

// The shortest form only, no halves of UTF-16, and nothing beyond the last code point.
[[nodiscard]] bool is_code_point(std::uint32_t code, std::size_t bytes) noexcept {
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return code >= kLeast[bytes] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

[[nodiscard]] bool is_control(std::uint32_t code) noexcept {
  return code < ' ' || (code >= 0x7F && code <= 0x9F);
}

// Requires: the text is not empty.
[[nodiscard]] Character first_of(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = length_of(first);
  if (bytes == 0 || bytes > text.size()) return {};
  std::uint32_t code = bytes == 1 ? first : first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >> 6 != 2) return {};
    code = code << 6 | (byte & 0x3FU);
  }
  if (!is_code_point(code, bytes)) return {};
  return {bytes, !is_control(code)};
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = first_of(text);
    result += character.is_shown ? text.substr(0, character.bytes) : "?";
    text.remove_prefix(character.bytes);
  }
  return result;
}

}  // namespace luna::tool
