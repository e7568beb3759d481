// SPDX-License-Identifier: MIT
// What the subcommands `profile`, `leaks` and `diff` have for files; profile_file.hpp does the
// work.
#pragma once

#include "profile_file.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace luna::tool {

// Whether a word is the path of a file, and no process: it has a slash, or there is such a file
// and it is no number.
[[nodiscard]] bool names_file(const std::string& word);

// --type, --debug-dir, and --rows with --debug-dir.
void add_type(CLI::App& command, FileArguments& arguments);
void add_debug_folder(CLI::App& command, FileArguments& arguments);
void add_file_options(CLI::App& command, FileArguments& arguments);

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_diff(CLI::App& app, int& status);

}  // namespace luna::tool
