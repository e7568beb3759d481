// SPDX-License-Identifier: MIT
// Numbers that nobody can foresee.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna::os {

// Of the kernel's generator; where that cannot be asked, or has no entropy yet, made of the 16
// random bytes that the kernel gives every program at its start. Does not wait.
inline constexpr std::size_t kRandomWords = 6;
[[nodiscard]] std::array<std::uint64_t, kRandomWords> random_words() noexcept;

}  // namespace luna::os
