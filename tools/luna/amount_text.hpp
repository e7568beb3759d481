// SPDX-License-Identifier: MIT
// Amounts as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace luna::tool {

// By the unit of a profile: "91.5 MiB", "-3 objects", "1.5 s", else the number with its unit.
[[nodiscard]] std::string amount_text(std::int64_t amount, std::string_view unit);

// "49.2 %"; "-" where the whole is 0.
[[nodiscard]] std::string share_text(std::int64_t part, std::int64_t whole);

// "0x2c6d"
[[nodiscard]] std::string hex_text(std::uint64_t value);

}  // namespace luna::tool
