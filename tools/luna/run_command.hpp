// SPDX-License-Identifier: MIT
// `luna run`: runs a program on lunalloc, and says what became of its memory.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_run(CLI::App& app, int& status);

// The path of liblunalloc.so to preload: `lib`, or if that is empty the one that belongs to this
// program. Throws AttachError.
[[nodiscard]] std::string library_of(const std::string& lib);

// Words of a command line. Behind the options of `luna run` and `luna bench` nothing is theirs, so
// that they get the -- that says so if they have none.
[[nodiscard]] std::vector<std::string> set_apart(CLI::App& app, std::vector<std::string> words);

}  // namespace luna::tool
