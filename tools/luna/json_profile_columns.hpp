// SPDX-License-Identifier: MIT
// What a site of a JSON profile has of numbers, and what profile_view.hpp knows them by.
#pragma once

#include <array>
#include <string_view>

namespace luna::tool {

struct ProfileColumn {
  std::string_view group;
  std::string_view key;
  std::string_view name;
  std::string_view unit;
};

inline constexpr std::array<ProfileColumn, 16> kProfileColumns = {{
    {"allocated", "objects", "alloc_objects", "count"},
    {"allocated", "bytes", "alloc_space", "bytes"},
    {"live", "objects", "inuse_objects", "count"},
    {"live", "bytes", "inuse_space", "bytes"},
    {"peak", "objects", "peak_objects", "count"},
    {"peak", "bytes", "peak_space", "bytes"},
    {"growth", "live_objects", "growth_objects", "count"},
    {"growth", "live_bytes", "growth_space", "bytes"},
    {"growth", "allocated_objects", "growth_alloc_objects", "count"},
    {"growth", "allocated_bytes", "growth_alloc_space", "bytes"},
    {"freed", "objects", "freed_objects", "count"},
    {"freed", "bytes", "freed_space", "bytes"},
    {"freed", "lifetime_ns", "lifetime", "nanoseconds"},
    {"freed", "byte_milliseconds", "space_time", "byte_milliseconds"},
    {"temporary", "objects", "temporary_objects", "count"},
    {"temporary", "bytes", "temporary_space", "bytes"},
}};

}  // namespace luna::tool
