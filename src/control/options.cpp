// SPDX-License-Identifier: MIT
#include "control/options.hpp"

#include "base/check.hpp"
#include "base/edit_distance.hpp"
#include "base/text_parts.hpp"

#include <array>

namespace luna {

namespace {

[[nodiscard]] bool read_value(std::string_view text, Flag& value) noexcept {
  const bool yes = text == "true" || text == "on" || text == "1";
  if (!yes && text != "false" && text != "off" && text != "0") return false;
  value = yes;
  return true;
}

[[nodiscard]] bool read_value(std::string_view text, Number& value) noexcept {
  return read_number(text, value);
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

[[nodiscard]] bool read_value(std::string_view text, LimitAction& value) noexcept {
  if (text != "deny" && text != "retry" && text != "abort") return false;
  value = text == "deny"    ? LimitAction::kDeny
          : text == "retry" ? LimitAction::kRetry
                            : LimitAction::kAbort;
  return true;
}

[[nodiscard]] bool read_value(std::string_view text, Placement& value) noexcept {
  if (text != "best_fit" && text != "low_address") return false;
  value = text == "best_fit" ? Placement::kBestFit : Placement::kLowAddress;
  return true;
}

[[nodiscard]] constexpr const char* expected(Flag) noexcept { return "true or false"; }
[[nodiscard]] constexpr const char* expected(Number) noexcept { return "a whole number"; }
[[nodiscard]] constexpr const char* expected(Hugetlb) noexcept { return "2m, 1g or off"; }
[[nodiscard]] constexpr const char* expected(GuardAction) noexcept { return "die or report"; }
[[nodiscard]] constexpr const char* expected(LimitAction) noexcept {
  return "deny, retry or abort";
}
[[nodiscard]] constexpr const char* expected(Placement) noexcept {
  return "best_fit or low_address";
}
[[nodiscard]] constexpr const char* expected(const Words&) noexcept {
  return "a text of at most 248 bytes";
}
[[nodiscard]] constexpr const char* expected(ProfileFormat) noexcept {
  return "pprof, collapsed, heap_v2, gperftools, json or text";
}
[[nodiscard]] constexpr const char* expected(ProfileKind) noexcept {
  return "heap, peak, growth, lifetimes or temporary";
}

void print_value(Flag value, Text& text) noexcept { text.add(value ? "true" : "false"); }
void print_value(Number value, Text& text) noexcept { text.add_decimal(value); }
void print_value(const Words& value, Text& text) noexcept { text.add(value.view()); }
void print_value(ProfileFormat value, Text& text) noexcept { text.add(info_of(value).name); }
void print_value(ProfileKind value, Text& text) noexcept { text.add(name_of(value)); }
void print_value(GuardAction value, Text& text) noexcept {
  text.add(value == GuardAction::kDie ? "die" : "report");
}
void print_value(LimitAction value, Text& text) noexcept {
  if (value == LimitAction::kDeny) text.add("deny");
  if (value == LimitAction::kRetry) text.add("retry");
  if (value == LimitAction::kAbort) text.add("abort");
}
void print_value(Placement value, Text& text) noexcept {
  text.add(value == Placement::kBestFit ? "best_fit" : "low_address");
}
void print_value(Hugetlb value, Text& text) noexcept {
  if (value == Hugetlb::kOff) text.add("off");
  if (value == Hugetlb::k2MiB) text.add("2m");
  if (value == Hugetlb::k1GiB) text.add("1g");
}

template <typename Value>
[[nodiscard]] constexpr ValueType type_of() noexcept {
  if (std::is_same_v<Value, Flag>) return ValueType::kFlag;
  if (std::is_same_v<Value, Number>) return ValueType::kNumber;
  return std::is_same_v<Value, Words> ? ValueType::kText : ValueType::kChoice;
}

// `kMember`: which one of the options, a pointer to a member of Options.
template <typename Value, auto kMember>
[[nodiscard]] constexpr OptionInfo info(const char* help) noexcept {
  return {help,
          expected(Value{}),
          type_of<Value>(),
          [](std::string_view text, Options& options) noexcept {
            Value value{};
            if (!read_value(text, value)) return false;
            options.*kMember = value;
            return true;
          },
          [](const Options& options, Text& text) noexcept {
            print_value(static_cast<const Value&>(options.*kMember), text);
          },
          [](const Options& options) noexcept {
            if constexpr (std::is_same_v<Value, Words>)
              return Number{0};
            else
              return static_cast<Number>(static_cast<Value>(options.*kMember));
          },
          [](const Options& from, Options& to) noexcept { to.*kMember = from.*kMember; }};
}

[[nodiscard]] std::string_view nearest_key(std::string_view key) noexcept {
  std::string_view nearest;
  std::size_t least = SIZE_MAX;
  for (const std::string_view name : kOptionNames) {
    const std::size_t edits = edit_distance(key, name);
    if (edits < least) nearest = name;
    if (edits < least) least = edits;
  }
  return nearest;
}

// Where a text is from, and what it sets.
struct Reading {
  std::string_view source;
  Options& options;
  OptionSources* sources;
};

void set_option(std::string_view pair, const Reading& reading) noexcept {
  std::string_view value = pair;
  const std::string_view key = trimmed(next_part(value, ':'));
  if (key.empty()) return;
  const std::size_t index = option_index(key);
  const bool known = index < kOptionCount;
  if (known && option_at(index).read(trimmed(value), reading.options)) {
    if (reading.sources != nullptr) reading.sources->of[index] = reading.source;
    return;
  }
  if (reading.sources != nullptr) ++reading.sources->mistakes;
  if (known) return warn_of_option(reading.source, key, "wants ", option_at(index).wants);
  warn_of_option(reading.source, key, "is unknown; the nearest is ", nearest_key(key));
}

void read_pairs(std::string_view text, const Reading& reading) noexcept {
  while (!text.empty()) set_option(next_part(text, ','), reading);
}

}  // namespace

// Code, where a table of pointers would be relocated in each process that loads the library.
OptionInfo option_at(std::size_t index) noexcept {
  enum : std::size_t {
#define LUNA_OPTION(type, name, standard, help) k_##name,
#include "control/options.def"
#undef LUNA_OPTION
  };
  switch (index) {
#define LUNA_OPTION(type, name, standard, help) \
  case k_##name:                                \
    return info<type, &Options::name>(help);
#include "control/options.def"
#undef LUNA_OPTION
    default:
      __builtin_unreachable();
  }
}

bool read_number(std::string_view text, std::uint64_t& value) noexcept {
  if (text.empty() || text.size() > 18) return false;
  std::uint64_t result = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return false;
    result = result * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  value = result;
  return true;
}

void parse_options(std::string_view text, std::string_view source, Options& options,
                   OptionSources* sources) noexcept {
  read_pairs(text, {source, options, sources});
}

void parse_options_file(std::string_view text, std::string_view source, std::string_view program,
                        Options& options, OptionSources* sources) noexcept {
  bool applies = true;
  while (!text.empty()) {
    std::string_view line = next_part(text, '\n');
    line = trimmed(next_part(line, '#'));
    if (line.starts_with('[')) {
      applies = line.ends_with(']') && trimmed(part_of(line, 1, line.size() - 2)) == program;
    } else if (applies) {
      read_pairs(line, {source, options, sources});
    }
  }
}

void warn_of_option(std::string_view source, std::string_view key, std::string_view problem,
                    std::string_view advice) noexcept {
  std::array<char, 320> buffer;
  Text text(buffer.data(), buffer.size() - 1);
  constexpr std::size_t kShownKey = 60;
  text.add("lunalloc: ").add(source).add(": option \"").add(part_of(key, 0, kShownKey));
  text.add(key.size() > kShownKey ? "...\" " : "\" ").add(problem);
  text.add(advice).add("; it is ignored");
  // What a terminal would obey is not for others to choose.
  for (std::size_t i = 0; i < text.view().size(); ++i)
    if (static_cast<unsigned char>(buffer[i]) < ' ' || buffer[i] == '\x7f') buffer[i] = '?';
  buffer[text.view().size()] = '\n';
  write_error({buffer.data(), text.view().size() + 1});
}

void print_options(const Options& options, const OptionSources& sources) noexcept {
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    std::array<char, 400> buffer;
    Text text(buffer.data(), buffer.size());
    text.add("lunalloc: ").add(option_name(i)).add(":");
    option_at(i).print(options, text);
    if (sources.of[i].empty()) {
      text.add(" by default\n");
    } else {
      text.add(" from ").add(sources.of[i]).add("\n");
    }
    write_error(text.view());
  }
}

}  // namespace luna
