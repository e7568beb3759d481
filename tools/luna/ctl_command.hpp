// SPDX-License-Identifier: MIT
// `luna ctl`: controls of a process, listed, read and set.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_ctl(CLI::App& app, int& status);

}  // namespace luna::tool
