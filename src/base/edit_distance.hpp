// SPDX-License-Identifier: MIT
// How much two words differ, to name the one that was probably meant.
#pragma once

#include <cstddef>
#include <string_view>

namespace luna {

// Edits of single letters that turn one word into the other, after Levenshtein. Of `to`, 63
// letters count.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to) noexcept;

}  // namespace luna
