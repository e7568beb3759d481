// SPDX-License-Identifier: MIT
// The call stacks with most of the peak of a profile, a line each.
#pragma once

#include "heap_profile.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace luna::tool {

struct PeakSite {
  std::uint64_t peak_bytes = 0;       // estimated
  std::uint64_t allocated_bytes = 0;  // since the profile began
  std::string place;                  // "function at file.cpp:12", as far as that is known
};

// Those with most first. Empty: the file is no profile, or nothing lived.
[[nodiscard]] std::vector<PeakSite> read_peak_sites(const std::filesystem::path& file,
                                                    std::size_t most);

}  // namespace luna::tool
