// SPDX-License-Identifier: MIT
// Decay times as jemalloc has them, where -1 is never, and as the control decay.ms has them.
#pragma once

#include <cstdint>

namespace luna::jemalloc {

inline constexpr std::int64_t kLongestDecayMs = 18'446'744'072'000;  // that jemalloc takes

// Stands for never: longer than any that is taken, and may be multiplied by small numbers.
inline constexpr std::uint64_t kNeverMs = std::uint64_t{1} << 48;
static_assert(kNeverMs > kLongestDecayMs);

}  // namespace luna::jemalloc
