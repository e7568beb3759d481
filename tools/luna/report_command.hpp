// SPDX-License-Identifier: MIT
// `luna report`: what files tell of a program's memory, as one page of HTML. docs/report.md.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_report(CLI::App& app, int& status);

}  // namespace luna::tool
