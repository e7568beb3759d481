// SPDX-License-Identifier: MIT
// What of a profile is told: which of its types of values, under which name.
#pragma once

#include "heap_profile.hpp"

#include <optional>
#include <string>
#include <vector>

namespace luna::tool {

struct ProfileView {
  std::string title;                   // "In use"
  std::size_t amount = 0;              // a place in the profile's types
  std::optional<std::size_t> objects;  // likewise
};

// What can be asked for.
[[nodiscard]] const std::vector<std::string>& view_names();

// An empty name: what the profile is of. Of JSON also "recorded", what was allocated since the
// mark. Throws ProfileError if it does not have that.
[[nodiscard]] ProfileView choose_view(const HeapProfile& profile, const std::string& name);

[[nodiscard]] std::int64_t sum_of(const HeapProfile& profile, std::size_t type) noexcept;

// The samples that have any of it, by falling amounts; what shrank comes last.
[[nodiscard]] std::vector<std::uint32_t> samples_by_amount(const HeapProfile& profile,
                                                           std::size_t type);

}  // namespace luna::tool
