// SPDX-License-Identifier: MIT
// A report of leaks as JSON, as docs/leaks.md has it.
#pragma once

#include "heap_profile.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace luna::tool {

struct LeakFile {
  nlohmann::ordered_json head;                // without its sites
  std::vector<nlohmann::ordered_json> sites;  // each as it stands there
  HeapProfile stacks;                         // a sample for each site, without values
  std::vector<std::string> linker_names;      // of each location, as the library knew it
};

// What was cut short has the sites before the cut, and says so in stacks.cut. Throws ProfileError.
[[nodiscard]] LeakFile read_leak_report(std::istream& in);
[[nodiscard]] LeakFile read_leak_report(const std::string& path);

// Gives locations that nobody could name the name that the library knew.
void keep_linker_names(LeakFile& report);

}  // namespace luna::tool
