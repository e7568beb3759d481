// SPDX-License-Identifier: MIT
// Amounts of memory for people.
#pragma once

#include <cstdint>
#include <string>

namespace luna::tool {

// As 512 B or 12.3 MiB.
[[nodiscard]] std::string byte_text(std::uint64_t bytes);

}  // namespace luna::tool
