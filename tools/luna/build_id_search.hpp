// SPDX-License-Identifier: MIT
// Finds the file that a profile means, and none that took its place.
#pragma once

#include "symbol_file.hpp"

#include <elfutils/libdwfl.h>

#include <string>

namespace luna::tool {

// Where libdwfl looks for separate debug files, with a folder before the usual ones, or several
// with colons between them.
[[nodiscard]] std::string debug_path(const std::string& folder);

// A descriptor of the program or library, by its paths, else by its build-id among debug files,
// and from servers where $DEBUGINFOD_URLS names some. -1: there is none, and `why_not` says why.
[[nodiscard]] int find_file(const WantedFile& wanted, const Dwfl_Callbacks& callbacks,
                            std::string& why_not);

}  // namespace luna::tool
