// SPDX-License-Identifier: MIT
// Requests as one text from outside of the process, carried out by controls and answered by lines.
#pragma once

#include "base/format.hpp"
#include "control/controls.hpp"

#include <cstddef>
#include <string_view>

namespace luna {

// Parts are separated by commas, as options are. `name:value` and `name=value` set; `name` and
// `?name` ask for the value, but `name` does an action, with the number 0. A name is that of a
// control, or of an option. Of each part the answer has a line; what a terminal would obey is
// a question mark there. `reader` is as for Controls::get().
//
// Returns how many parts were wrong or failed; the others are in force.
[[nodiscard]] std::size_t answer_requests(std::string_view text, const Controls& controls,
                                          void* reader, Text& answer) noexcept;

}  // namespace luna
