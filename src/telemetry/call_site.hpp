// SPDX-License-Identifier: MIT
// Whether an address is where a call returns to: what proves a frame that no table tells of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// The bytes of code before an address; a call of x86-64 has no more that matter.
using CodeBytes = std::array<std::uint8_t, 8>;

// Whether an instruction of x86-64 that calls another function may end where these bytes do.
[[nodiscard]] bool ends_in_call(const CodeBytes& code) noexcept;

}  // namespace luna
