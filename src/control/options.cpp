// SPDX-License-Identifier: MIT
#include "control/options.hpp"

#include "base/check.hpp"
#include "base/format.hpp"

#include <array>

namespace luna {

namespace {

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return part_of(text, first, text.find_last_not_of(kBlanks) - first + 1);
}

// Cuts off and returns what stands before the next `separator`.
[[nodiscard]] std::string_view next_part(std::string_view& text, char separator) noexcept {
  const std::size_t end = text.find(separator);
  const std::string_view part = part_of(text, 0, end);
  text = end == std::string_view::npos ? std::string_view{} : part_of(text, end + 1);
  return part;
}

[[nodiscard]] bool read_value(std::string_view text, Flag& value) noexcept {
  const bool yes = text == "true" || text == "on" || text == "1";
  if (!yes && text != "false" && text != "off" && text != "0") return false;
  value = yes;
  return true;
}

[[nodiscard]] bool read_value(std::string_view text, Number& value) noexcept {
  if (text.empty() || text.size() > 18) return false;
  Number result = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return false;
    result = result * 10 + static_cast<Number>(digit - '0');
  }
  value = result;
  return true;
}

[[nodiscard]] bool read_value(std::string_view text, Hugetlb& value) noexcept {
  if (text == "2m" || text == "2M") {
    value = Hugetlb::k2MiB;
  } else if (text == "1g" || text == "1G") {
    value = Hugetlb::k1GiB;
  } else if (text == "off" || text == "false" || text == "0") {
    value = Hugetlb::kOff;
  } else {
    return false;
  }
  return true;
}

[[nodiscard]] bool read_value(std::string_view text, Words& value) noexcept {
  if (text.empty() || text.size() > value.text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) value.text[i] = text[i];
  value.length = text.size();
  return true;
}

[[nodiscard]] bool read_value(std::string_view text, ProfileFormat& value) noexcept {
  return find_format(text, value);
}

[[nodiscard]] bool read_value(std::string_view text, ProfileKind& value) noexcept {
  return find_kind(text, value);
}

[[nodiscard]] bool read_value(std::string_view text, GuardAction& value) noexcept {
  if (text != "die" && text != "report") return false;
  value = text == "die" ? GuardAction::kDie : GuardAction::kReport;
  return true;
}

[[nodiscard]] constexpr std::string_view expected(Flag) noexcept { return "true or false"; }
[[nodiscard]] constexpr std::string_view expected(Number) noexcept { return "a whole number"; }
[[nodiscard]] constexpr std::string_view expected(Hugetlb) noexcept { return "2m, 1g or off"; }
[[nodiscard]] constexpr std::string_view expected(GuardAction) noexcept { return "die or report"; }
[[nodiscard]] constexpr std::string_view expected(const Words&) noexcept {
  return "a text of at most 248 bytes";
}
[[nodiscard]] constexpr std::string_view expected(ProfileFormat) noexcept {
  return "pprof, collapsed, heap_v2, gperftools, json or text";
}
[[nodiscard]] constexpr std::string_view expected(ProfileKind) noexcept {
  return "heap, peak, growth, lifetimes or temporary";
}

// Edits that turn one word into the other (Levenshtein); long words are cut.
[[nodiscard]] std::size_t distance(std::string_view from, std::string_view to) noexcept {
  std::array<std::size_t, 32> row;
  if (to.size() >= row.size()) to = part_of(to, 0, row.size() - 1);
  for (std::size_t i = 0; i <= to.size(); ++i) row[i] = i;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t k = 0; k < to.size(); ++k) {
      std::size_t best = diagonal + (from[i] == to[k] ? 0U : 1U);
      if (row[k] + 1 < best) best = row[k] + 1;
      if (row[k + 1] + 1 < best) best = row[k + 1] + 1;
      diagonal = row[k + 1];
      row[k + 1] = best;
    }
  }
  return row[to.size()];
}

[[nodiscard]] std::string_view nearest_key(std::string_view key) noexcept {
  std::string_view nearest;
  std::size_t least = SIZE_MAX;
#define LUNA_OPTION(type, name, standard, help)                        \
  if (const std::size_t edits = distance(key, #name); edits < least) { \
    least = edits;                                                     \
    nearest = #name;                                                   \
  }
#include "control/options.def"
#undef LUNA_OPTION
  return nearest;
}

void warn(std::string_view source, std::string_view key, std::string_view problem,
          std::string_view advice) noexcept {
  std::array<char, 320> buffer;
  Text text(buffer.data(), buffer.size() - 1);
  constexpr std::size_t kShownKey = 60;
  text.add("lunalloc: ").add(source).add(": option \"").add(part_of(key, 0, kShownKey));
  text.add(key.size() > kShownKey ? "...\" " : "\" ").add(problem);
  text.add(advice).add("; it is ignored");
  buffer[text.view().size()] = '\n';
  write_error({buffer.data(), text.view().size() + 1});
}

void set_option(std::string_view pair, std::string_view source, Options& options) noexcept {
  std::string_view value = pair;
  const std::string_view key = trimmed(next_part(value, ':'));
  value = trimmed(value);
  if (key.empty()) return;
#define LUNA_OPTION(type, name, standard, help)                                          \
  if (key == #name) {                                                                    \
    if (!read_value(value, options.name)) warn(source, key, "wants ", expected(type{})); \
    return;                                                                              \
  }
#include "control/options.def"
#undef LUNA_OPTION
  warn(source, key, "is unknown; the nearest is ", nearest_key(key));
}

}  // namespace

void parse_options(std::string_view text, std::string_view source, Options& options) noexcept {
  while (!text.empty()) set_option(next_part(text, ','), source, options);
}

void parse_options_file(std::string_view text, std::string_view source, std::string_view program,
                        Options& options) noexcept {
  bool applies = true;
  while (!text.empty()) {
    std::string_view line = next_part(text, '\n');
    line = trimmed(next_part(line, '#'));
    if (line.starts_with('[')) {
      applies = line.ends_with(']') && trimmed(part_of(line, 1, line.size() - 2)) == program;
    } else if (applies) {
      parse_options(line, source, options);
    }
  }
}

}  // namespace luna
