// SPDX-License-Identifier: MIT
// One run of a command and what it cost. It is started by bench/launcher.c, a small process: what a
// process has resident when it forks counts for the peak of the program that the child becomes.
#pragma once

#include "bench_result.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace luna::tool {

struct RunPlan {
  std::vector<std::string> command;
  std::map<std::string, std::string> variables;  // of its environment, beside those of the caller
  std::string input = "/dev/null";
  std::string output = "/dev/null";
  std::string errors = "/dev/null";
  std::chrono::milliseconds most{};  // 0: as long as it takes
};

// Without an LD_PRELOAD of the caller's, unless it is among the variables. An exit status other
// than 0, a signal, and a run that was ended because it took too long, are problems of the run.
// Throws AttachError where there can be no run at all, and Interrupted, when the command has ended.
[[nodiscard]] MeasuredRun run_measured(const RunPlan& plan);

}  // namespace luna::tool
