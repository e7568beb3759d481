// SPDX-License-Identifier: MIT
// `luna top PID`: a live view of a process. docs/luna.md.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_top(CLI::App& app, int& status);

}  // namespace luna::tool
