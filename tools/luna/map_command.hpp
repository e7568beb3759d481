// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_map(CLI::App& app, int& status);

}  // namespace luna::tool
