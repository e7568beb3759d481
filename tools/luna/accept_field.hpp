// SPDX-License-Identifier: MIT
// What a client of HTTP says it can read: the field Accept.
#pragma once

#include <string_view>

namespace luna::tool {

// How much it wants exactly this type, 0 to 1; wildcards do not count.
[[nodiscard]] double wanted(std::string_view accept, std::string_view type);

}  // namespace luna::tool
