// SPDX-License-Identifier: MIT
// `luna profile`: who allocates in a process.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_profile(CLI::App& app, int& status);

}  // namespace luna::tool
