// SPDX-License-Identifier: MIT
// The options and the texts they are read from: key:value pairs, separated by
// commas in LUNALLOC_CONF and by lines in /etc/lunalloc.conf.
#pragma once

#include "base/format.hpp"
#include "base/inline_text.hpp"
#include "base/relaxed.hpp"
#include "pages/huge_pages.hpp"
#include "pages/limit_action.hpp"
#include "pages/placement.hpp"
#include "telemetry/guard_report.hpp"
#include "telemetry/profile_format.hpp"
#include "telemetry/profile_kind.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace luna {

using Flag = bool;
using Number = std::uint64_t;

// A text of some length; longer ones are refused.
struct Words {
  constexpr Words() noexcept = default;
  template <std::size_t kLength>
  constexpr Words(const char (&words)[kLength]) noexcept : length(kLength - 1) {
    for (std::size_t i = 0; i < length; ++i) text[i] = words[i];
  }

  [[nodiscard]] std::string_view view() const noexcept { return {text.data(), length}; }

  std::array<char, 248> text{};
  std::size_t length = 0;
};

// Threads: any may read while one changes single values; see OptionChanges for texts.
template <typename Value>
using Setting = std::conditional_t<std::is_same_v<Value, Words>, Words, Relaxed<Value>>;

struct Options {
#define LUNA_OPTION(type, name, standard, help) Setting<type> name = standard;
#include "control/options.def"
#undef LUNA_OPTION
};

enum class ValueType : std::uint8_t { kFlag, kNumber, kChoice, kText };

// An option as data: its value is read from a text, printed as one, and copied.
struct OptionInfo {
  const char* help;
  const char* wants;  // what a value may be
  ValueType type;
  bool (*read)(std::string_view text, Options& options) noexcept;  // false: it makes no sense
  void (*print)(const Options& options, Text& text) noexcept;
  std::uint64_t (*number)(const Options& options) noexcept;  // 0 of a text
  void (*copy)(const Options& from, Options& to) noexcept;
};

inline constexpr auto kOptionNames = std::to_array<InlineText<32>>({
#define LUNA_OPTION(type, name, standard, help) #name,
#include "control/options.def"
#undef LUNA_OPTION
});
inline constexpr std::size_t kOptionCount = kOptionNames.size();

// Its place in the table; kOptionCount: there is none of that name.
[[nodiscard]] constexpr std::size_t option_index(std::string_view name) noexcept {
  std::size_t index = 0;
  while (index < kOptionCount && kOptionNames[index] != name) ++index;
  return index;
}

// The name as a text that ends with a zero. Requires: `index` < kOptionCount.
[[nodiscard]] constexpr const char* option_name(std::size_t index) noexcept {
  return kOptionNames[index].view().data();
}

// Requires: `index` < kOptionCount.
[[nodiscard]] OptionInfo option_at(std::size_t index) noexcept;

// Who set which option last, and how much of what was read made no sense.
struct OptionSources {
  std::array<std::string_view, kOptionCount> of{};  // empty: nobody
  std::size_t mistakes = 0;
};

// Sets what `text` (key:value,key:value) says. A key or value that is wrong is
// named on stderr, with `source` and the nearest right one, and changes nothing.
void parse_options(std::string_view text, std::string_view source, Options& options,
                   OptionSources* sources = nullptr) noexcept;

// The same for a file: lines of key:value, # comments, and [program] headings;
// lines before the first heading are for all programs, others for theirs.
void parse_options_file(std::string_view text, std::string_view source, std::string_view program,
                        Options& options, OptionSources* sources = nullptr) noexcept;

// A line on stderr: what is wrong with an option that `source` sets, and what would be right.
void warn_of_option(std::string_view source, std::string_view key, std::string_view problem,
                    std::string_view advice) noexcept;

// A line on stderr for each option: its value, and where it is from.
void print_options(const Options& options, const OptionSources& sources) noexcept;

// A number without sign and unit, as values of options are.
[[nodiscard]] bool read_number(std::string_view text, std::uint64_t& value) noexcept;

}  // namespace luna
