// SPDX-License-Identifier: MIT
// What a profile may be asked for, and which formats can say it. For the numbers that stand
// for each kind, see columns.hpp.
#pragma once

#include "telemetry/profile_format.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

enum class ProfileKind : std::uint8_t { kHeap, kPeak, kGrowth, kLifetimes, kTemporary };

// In the order of the kinds.
inline constexpr std::array<std::string_view, 5> kProfileKinds = {"heap", "peak", "growth",
                                                                  "lifetimes", "temporary"};

[[nodiscard]] constexpr std::string_view name_of(ProfileKind kind) noexcept {
  return kProfileKinds[static_cast<std::size_t>(kind)];
}

// False: no kind has this name.
[[nodiscard]] constexpr bool find_kind(std::string_view name, ProfileKind& kind) noexcept {
  for (std::size_t i = 0; i < kProfileKinds.size(); ++i) {
    if (kProfileKinds[i] != name) continue;
    kind = static_cast<ProfileKind>(i);
    return true;
  }
  return false;
}

// Readers of jemalloc's and gperftools' texts take the first of two amounts for what is in use.
[[nodiscard]] constexpr bool can_say(ProfileFormat format, ProfileKind kind) noexcept {
  if (format != ProfileFormat::kHeapV2 && format != ProfileFormat::kGperftools) return true;
  return kind == ProfileKind::kHeap || kind == ProfileKind::kPeak;
}

}  // namespace luna
