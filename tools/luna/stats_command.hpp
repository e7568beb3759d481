// SPDX-License-Identifier: MIT
// `luna stats`: where the memory of a process is.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_stats(CLI::App& app, int& status);

}  // namespace luna::tool
