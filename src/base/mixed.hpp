// SPDX-License-Identifier: MIT
// Numbers that look random, of numbers that do not.
#pragma once

#include <cstdint>

namespace luna {

// What random numbers of one seed lie apart; see mixed().
inline constexpr std::uint64_t kRandomStep = 0x9e3779b97f4a7c15;

// Each bit of the result hangs on each of the number, and no two numbers have the same. Of numbers
// kRandomStep apart, this is splitmix64, from Steele, Lea and Flood, "Fast splittable pseudorandom
// number generators" (2014).
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t number) noexcept {
  number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
  number = (number ^ number >> 27) * 0x94d049bb133111eb;
  return number ^ number >> 31;
}

}  // namespace luna
