// SPDX-License-Identifier: MIT
// `luna bench`: a command under every allocator that there is.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_bench(CLI::App& app, int& status);

}  // namespace luna::tool
