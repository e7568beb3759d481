// SPDX-License-Identifier: MIT
// The options and the texts they are read from: key:value pairs, separated by
// commas in LUNALLOC_CONF and by lines in /etc/lunalloc.conf.
#pragma once

#include "pages/huge_pages.hpp"
#include "telemetry/guard_report.hpp"
#include "telemetry/profile_format.hpp"
#include "telemetry/profile_kind.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

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

struct Options {
#define LUNA_OPTION(type, name, standard, help) type name = standard;
#include "control/options.def"
#undef LUNA_OPTION
};

// Sets what `text` (key:value,key:value) says. A key or value that is wrong is
// named on stderr, with `source` and the nearest right one, and changes nothing.
void parse_options(std::string_view text, std::string_view source, Options& options) noexcept;

// The same for a file: lines of key:value, # comments, and [program] headings;
// lines before the first heading are for all programs, others for theirs.
void parse_options_file(std::string_view text, std::string_view source, std::string_view program,
                        Options& options) noexcept;

}  // namespace luna
