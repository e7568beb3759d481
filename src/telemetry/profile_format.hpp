// SPDX-License-Identifier: MIT
// The forms in which a profile can be written, and their names.
#pragma once

#include "base/inline_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

enum class ProfileFormat : std::uint8_t { kPprof, kCollapsed, kHeapV2, kGperftools, kJson, kText };

struct ProfileFormatInfo {
  InlineText<12> name;
  InlineText<20> ending;  // of its files
};

// In the order of the formats.
inline constexpr std::array<ProfileFormatInfo, 6> kProfileFormats = {{
    {"pprof", ".pb.gz"},
    {"collapsed", ".folded"},
    {"heap_v2", ".heap"},
    {"gperftools", ".gperftools.heap"},
    {"json", ".json"},
    {"text", ".txt"},
}};

[[nodiscard]] constexpr const ProfileFormatInfo& info_of(ProfileFormat format) noexcept {
  return kProfileFormats[static_cast<std::size_t>(format)];
}

// False: no format has this name.
[[nodiscard]] constexpr bool find_format(std::string_view name, ProfileFormat& format) noexcept {
  for (std::size_t i = 0; i < kProfileFormats.size(); ++i) {
    if (kProfileFormats[i].name != name) continue;
    format = static_cast<ProfileFormat>(i);
    return true;
  }
  return false;
}

}  // namespace luna
