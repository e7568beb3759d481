// SPDX-License-Identifier: MIT
// `luna watch PID`: does something when the statistics of a process meet a condition. docs/luna.md.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_watch(CLI::App& app, int& status);

}  // namespace luna::tool
