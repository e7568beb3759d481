// SPDX-License-Identifier: MIT
// `luna attach`: reaches a process that was started with lunalloc and without any option.
// docs/attach.md.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_attach(CLI::App& app, int& status);

}  // namespace luna::tool
