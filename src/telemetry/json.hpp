// SPDX-License-Identifier: MIT
// The two parts of JSON that are not plain text: names and strings.
#pragma once

#include "base/output.hpp"

#include <string_view>

namespace luna {

// What follows a name is up to the caller; what stands before it too, but for the comma.
Output& add_name(Output& out, std::string_view name) noexcept;

// In quotes, as valid UTF-8 whatever the text is.
Output& add_string(Output& out, std::string_view text) noexcept;

}  // namespace luna
