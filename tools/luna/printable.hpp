// SPDX-License-Identifier: MIT
// Texts that another process wrote, for a terminal that would obey some of them.
#pragma once

#include <string>
#include <string_view>

namespace luna::tool {

// The text, where each control character and each byte that is not part of a character in UTF-8 is
// a question mark.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace luna::tool
