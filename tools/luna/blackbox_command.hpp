// SPDX-License-Identifier: MIT
// `luna blackbox`: prints what a process has left. docs/blackbox.md.
#pragma once

#include "blackbox_reader.hpp"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <iosfwd>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_blackbox(CLI::App& app, int& status);

// For people: how it ended, the last record of statistics, so many rows of those before it, the
// events, and the last sites.
void write_text(const BlackBox& box, std::size_t rows, std::ostream& out);

// For programs: all of it.
void write_json(const BlackBox& box, std::ostream& out);

}  // namespace luna::tool
