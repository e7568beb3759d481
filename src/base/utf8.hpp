// SPDX-License-Identifier: MIT
// Text of unknown origin, such as a path, as valid UTF-8.
#pragma once

#include <string_view>

namespace luna {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// Takes the first character off the text and returns its bytes. A byte that begins no
// valid character is taken alone, and the replacement character is returned for it.
// Requires: the text is not empty.
[[nodiscard]] std::string_view take_character(std::string_view& text) noexcept;

}  // namespace luna
