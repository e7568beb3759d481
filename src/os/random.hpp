// SPDX-License-Identifier: MIT
// Numbers that nobody can foresee.
#pragma once

#include <array>
#include <cstdint>

namespace luna::os {

// Of the kernel's generator; where that cannot be asked, or has no entropy yet, made of the 16
// random bytes that the kernel gives every program at its start. Does not wait.
[[nodiscard]] std::array<std::uint64_t, 4> random_words() noexcept;

}  // namespace luna::os
