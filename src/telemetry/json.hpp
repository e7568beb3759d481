// SPDX-License-Identifier: MIT
// The parts of JSON that are more than plain text: names, numbers with a name, strings.
#pragma once

#include "base/output.hpp"

#include <cstdint>
#include <string_view>

namespace luna {

// What follows a name is up to the caller; what stands before it too, but for the comma.
Output& add_name(Output& out, std::string_view name) noexcept;

// A name and its number.
Output& add_number(Output& out, std::string_view name, std::uint64_t value) noexcept;

// In quotes, as valid UTF-8 whatever the text is.
Output& add_string(Output& out, std::string_view text) noexcept;

}  // namespace luna
