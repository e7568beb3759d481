// SPDX-License-Identifier: MIT
#include "telemetry/file_name.hpp"

#include "base/format.hpp"

namespace luna {

namespace {

void add_part(Text& text, std::string_view part) noexcept {
  for (const char c : part)
    text.add(c == '/' || c == '\0' ? std::string_view("_") : std::string_view(&c, 1));
}

void add_four_digits(Text& text, std::uint64_t value) noexcept {
  for (std::uint64_t limit = 1000; limit > 1 && value < limit; limit /= 10) text.add("0");
  text.add_decimal(value);
}

// False: nothing is known by this letter.
[[nodiscard]] bool expand(Text& text, char letter, const FileNameParts& parts) noexcept {
  switch (letter) {
    case 'p':
      text.add_decimal(parts.process);
      return true;
    case 'h':
      add_part(text, parts.host);
      return true;
    case 'e':
      add_part(text, parts.program);
      return true;
    case 't':
      text.add_decimal(parts.epoch_seconds);
      return true;
    case 'n':
      add_four_digits(text, parts.sequence);
      return true;
    case '%':
      text.add("%");
      return true;
    default:
      return false;
  }
}

}  // namespace

FileName expand_file_name(std::string_view pattern, const FileNameParts& parts, char* buffer,
                          std::size_t capacity) noexcept {
  Text text(buffer, capacity);
  while (!pattern.empty()) {
    const std::size_t plain = pattern.find('%');
    text.add(part_of(pattern, 0, plain));
    if (plain == std::string_view::npos) break;
    pattern = part_of(pattern, plain + 1);
    if (pattern.empty()) return {{}, "it ends with a single %; write %% for a percent sign"};
    if (!expand(text, pattern.front(), parts))
      return {{}, "after % it has what is none of p, h, e, t, n and %"};
    pattern.remove_prefix(1);
  }
  // Text is cut off without a word, so a full buffer counts as too small a one.
  if (text.view().size() == capacity) return {{}, "the name is too long"};
  if (text.view().empty()) return {{}, "the name is empty"};
  return {text.view(), {}};
}

}  // namespace luna
