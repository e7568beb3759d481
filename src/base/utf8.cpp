// SPDX-License-Identifier: MIT
#include "base/utf8.hpp"

#include "base/format.hpp"

#include <cstddef>

namespace luna {

namespace {

[[nodiscard]] unsigned byte_at(std::string_view text, std::size_t index) noexcept {
  return index < text.size() ? static_cast<unsigned char>(text[index]) : 0;
}

// How many bytes the character at the start of the text has; 0: it is not valid.
[[nodiscard]] std::size_t character_bytes(std::string_view text) noexcept {
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  for (std::size_t i = 1; i < bytes; ++i)
    if ((byte_at(text, i) & 0xC0U) != 0x80) return 0;
  const unsigned second = byte_at(text, 1);
  if (first == 0xE0 && second < 0xA0) return 0;  // two bytes would have done
  if (first == 0xED && second > 0x9F) return 0;  // half of a pair of UTF-16
  if (first == 0xF0 && second < 0x90) return 0;  // three bytes would have done
  if (first == 0xF4 && second > 0x8F) return 0;  // beyond the last character
  return bytes;
}

}  // namespace

std::string_view take_character(std::string_view& text) noexcept {
  const std::size_t bytes = character_bytes(text);
  const std::string_view character = bytes == 0 ? kReplacementCharacter : part_of(text, 0, bytes);
  text.remove_prefix(bytes == 0 ? 1 : bytes);
  return character;
}

}  // namespace luna
