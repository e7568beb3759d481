// SPDX-License-Identifier: MIT
// What samples say of sizes. The secure library asks for more than the program did, and has another
// header in front of this one.
#pragma once

#include <cstddef>

namespace luna {

// What the program asked for, of what the library asks for so that a block has its end.
[[nodiscard]] constexpr std::size_t asked_of(std::size_t bytes) noexcept { return bytes; }

}  // namespace luna
