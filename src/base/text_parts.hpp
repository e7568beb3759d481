// SPDX-License-Identifier: MIT
// Parts of texts that people and programs write: what stands between separators, and without the
// blanks around it.
#pragma once

#include "base/format.hpp"

#include <string_view>

namespace luna {

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text,
                                                 std::string_view blanks = " \t\r\n") noexcept {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return part_of(text, first, text.find_last_not_of(blanks) - first + 1);
}

// Cuts off and returns what stands before the next separator, or all of it. The separator goes.
[[nodiscard]] constexpr std::string_view next_part(std::string_view& text,
                                                   char separator) noexcept {
  const std::size_t end = text.find(separator);
  const std::string_view part = part_of(text, 0, end);
  text = end == std::string_view::npos ? std::string_view{} : part_of(text, end + 1);
  return part;
}

}  // namespace luna
