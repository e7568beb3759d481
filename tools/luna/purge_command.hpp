// SPDX-License-Identifier: MIT
// `luna purge`: has a process give back what is free.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_purge(CLI::App& app, int& status);

}  // namespace luna::tool
