// SPDX-License-Identifier: MIT
// What all subcommands share that talk to a running process.
#pragma once

#include "reach.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <functional>
#include <string>

namespace luna::tool {

struct VerbArguments {
  std::string process;  // a number or a name
  double seconds = 10;
};

// The argument PID and the option --timeout, and how the command ends, behind its examples.
void add_process(CLI::App& command, VerbArguments& arguments, const std::string& examples);

// Throws AttachError and Interrupted.
[[nodiscard]] ReachedProcess reach(const VerbArguments& arguments);

// A page that is made of samples. Throws AttachError, also where none were ever taken, and
// Interrupted.
[[nodiscard]] std::string get_samples(const ReachedProcess& process, const std::string& target,
                                      std::chrono::milliseconds works_for);

// Of an answer as JSON. Throws AttachError where it is none.
[[nodiscard]] nlohmann::json parse_answer(const std::string& answer);

// Runs what reads and prints what the process said, and turns ProfileError into AttachError.
// Returns the exit status.
[[nodiscard]] int run_on_samples(pid_t process, const std::function<int()>& run);

// Runs it and says in one line what went wrong. Returns the exit status; a signal ends the process.
[[nodiscard]] int run_verb(const std::function<int()>& verb);

// Text of lines that another process wrote, for a terminal. As it is where the output is none.
void print_lines(const std::string& text);

}  // namespace luna::tool
