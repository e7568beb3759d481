// SPDX-License-Identifier: MIT
// `luna leaks`: who leaks in a process.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_leaks(CLI::App& app, int& status);

}  // namespace luna::tool
