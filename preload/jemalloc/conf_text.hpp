// SPDX-License-Identifier: MIT
// The text of jemalloc's options, as in MALLOC_CONF: key:value pairs, separated by commas, and what
// their values are called here. conf.cpp puts them in force.
#pragma once

#include "base/format.hpp"
#include "base/inline_text.hpp"
#include "base/text_parts.hpp"
#include "control/options.hpp"
#include "preload/jemalloc/decay.hpp"

#include <cstdint>
#include <string_view>

namespace luna::jemalloc {

// How a value of jemalloc's becomes one of the control's.
enum class Meaning : std::uint8_t {
  kSame,
  kDecay,      // -1: never
  kLogarithm,  // of a number
  kPrefix,     // of the names of files
};

struct ConfRow {
  InlineText<24> key;      // jemalloc's
  InlineText<24> option;   // that of LUNALLOC_CONF, which goes before it
  InlineText<24> control;  // whose text ends with a 0
  Meaning meaning;
};

inline constexpr ConfRow kConfRows[] = {
    {"background_thread", "background", "background", Meaning::kSame},
    {"dirty_decay_ms", "decay_ms", "decay.ms", Meaning::kDecay},
    {"lg_prof_sample", "profile_interval", "profile.interval", Meaning::kLogarithm},
    {"prof_prefix", "profile_file", "profile.file", Meaning::kPrefix},
    {"prof_final", "profile_at_exit", "profile.at_exit", Meaning::kSame},
    {"prof_leak", "leak_report_at_exit", "leak.report_at_exit", Meaning::kSame},
    {"stats_print", "stats_print", "stats.print", Meaning::kSame},
};

struct ConfPair {
  std::string_view key;
  std::string_view value;
};

// Takes the first key:value off a text.
[[nodiscard]] inline ConfPair take_pair(std::string_view& text) noexcept {
  std::string_view value = next_part(text, ',');
  const std::string_view key = next_part(value, ':');
  return {key, value};
}

// The last value of a key; empty: there is none.
[[nodiscard]] inline std::string_view value_of(std::string_view text,
                                               std::string_view key) noexcept {
  std::string_view value;
  while (!text.empty())
    if (const ConfPair pair = take_pair(text); pair.key == key) value = pair.value;
  return value;
}

// False: the value makes no sense.
[[nodiscard]] inline bool translate(std::string_view value, Meaning meaning, Text& text) noexcept {
  std::uint64_t number = 0;
  if (meaning == Meaning::kSame) {
    text.add(value);
    return !value.empty();
  }
  if (meaning == Meaning::kPrefix) {
    text.add(value).add(".%p.%n");
    return !value.empty();
  }
  if (meaning == Meaning::kDecay && value == "-1") {
    text.add_decimal(kNeverMs);
    return true;
  }
  if (!read_number(value, number)) return false;
  text.add_decimal(meaning == Meaning::kDecay ? number : std::uint64_t{1} << (number & 63));
  return meaning == Meaning::kDecay ? number <= kLongestDecayMs : number < 64;
}

}  // namespace luna::jemalloc
