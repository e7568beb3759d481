// SPDX-License-Identifier: MIT
#include "telemetry/labels.hpp"

#include "base/utf8.hpp"
#include "telemetry/json.hpp"

namespace luna {

namespace {

[[nodiscard]] constexpr bool is_key_character(char character) noexcept {
  const bool is_letter =
      (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
  return is_letter || (character >= '0' && character <= '9') || character == '_' ||
         character == '-' || character == '.' || character == '/';
}

[[nodiscard]] constexpr bool is_control(char character) noexcept {
  const auto byte = static_cast<unsigned char>(character);
  return byte < ' ' || byte == 0x7F;
}

void add_escaped(Output& out, std::string_view value) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  while (!value.empty()) {
    const std::string_view character = take_character(value);
    if (!is_control(character.front()) && character.front() != '\\') {
      out.add(character);
      continue;
    }
    const auto byte = static_cast<unsigned char>(character.front());
    out.add("\\x").add(part_of(kDigits, byte / 16, 1)).add(part_of(kDigits, byte % 16, 1));
  }
}

// Blanks may stand in a frame of some readers; others split a line at the first.
void add_plain(Output& out, std::string_view value) noexcept {
  while (!value.empty()) {
    const std::string_view character = take_character(value);
    const char first = character.front();
    out.add(is_control(first) || first == ' ' || first == ';' ? "_" : character);
  }
}

}  // namespace

bool is_label_key(std::string_view key) noexcept {
  for (const char character : key)
    if (!is_key_character(character)) return false;
  return !key.empty() && key.size() <= kMostKeyBytes;
}

void add_labels(Output& out, const Labels& labels) noexcept {
  labels.for_each([&](const Label& label) noexcept {
    add_escaped(out.add(" [").add(label.key).add("="), label.value);
    out.add("]");
  });
}

void add_label_frames(Output& out, const Labels& labels) noexcept {
  bool is_first = true;
  labels.for_each([&](const Label& label) noexcept {
    add_plain(out.add(is_first ? "[" : ";[").add(label.key).add("="), label.value);
    out.add("]");
    is_first = false;
  });
}

void add_label_object(Output& out, const Labels& labels) noexcept {
  bool is_first = true;
  out.add("{");
  labels.for_each([&](const Label& label) noexcept {
    add_string(add_name(out.add(is_first ? "" : ","), label.key), label.value);
    is_first = false;
  });
  out.add("}");
}

}  // namespace luna
