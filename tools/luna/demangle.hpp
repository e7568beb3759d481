// SPDX-License-Identifier: MIT
// Names of functions as people write them, from those that linkers know.
#pragma once

#include <string>

namespace luna::tool {

// Of C++ (the Itanium ABI) and Rust (both its schemes, without the hash). Any other name stays.
[[nodiscard]] std::string demangled(const std::string& name);

}  // namespace luna::tool
