// SPDX-License-Identifier: MIT
#include "telemetry/json.hpp"

#include "base/utf8.hpp"

#include <array>

namespace luna {

namespace {

void add_control(Output& out, unsigned char character) noexcept {
  const std::array<char, 2> digits = {"0123456789abcdef"[character / 16],
                                      "0123456789abcdef"[character % 16]};
  out.add("\\u00").add({digits.data(), digits.size()});
}

}  // namespace

Output& add_name(Output& out, std::string_view name) noexcept {
  return out.add("\"").add(name).add("\":");
}

Output& add_number(Output& out, std::string_view name, std::uint64_t value) noexcept {
  return add_name(out, name).add_decimal(value);
}

Output& add_string(Output& out, std::string_view text) noexcept {
  out.add("\"");
  while (!text.empty()) {
    const std::string_view character = take_character(text);
    const auto first = static_cast<unsigned char>(character.front());
    if (first < ' ' || first == 0x7F) {
      add_control(out, first);
    } else {
      if (first == '"' || first == '\\') out.add("\\");
      out.add(character);
    }
  }
  return out.add("\"");
}

}  // namespace luna
