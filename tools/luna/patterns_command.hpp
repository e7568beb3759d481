// SPDX-License-Identifier: MIT
// `luna patterns`: what the profiler of a process noticed beside the sums.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_patterns(CLI::App& app, int& status);

}  // namespace luna::tool
