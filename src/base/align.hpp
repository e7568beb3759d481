// SPDX-License-Identifier: MIT
// Rounding of sizes and addresses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

[[nodiscard]] constexpr bool is_power_of_two(std::size_t value) noexcept {
  return value != 0 && (value & (value - 1)) == 0;
}

// Requires: `alignment` is a power of two, and the result fits.
[[nodiscard]] constexpr std::size_t round_up(std::size_t value, std::size_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

// Requires: `alignment` is a power of two.
[[nodiscard]] constexpr std::size_t round_down(std::size_t value, std::size_t alignment) noexcept {
  return value & ~(alignment - 1);
}

[[nodiscard]] inline std::uintptr_t address_of(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace luna
