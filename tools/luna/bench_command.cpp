// SPDX-License-Identifier: MIT
#include "bench_command.hpp"

#include "attach_target.hpp"
#include "bench_runs.hpp"
#include "run_command.hpp"
#include "verb.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

namespace luna::tool {

namespace {

struct Arguments {
  BenchPlan plan;
  std::vector<std::string> with;
  std::vector<std::string> only;
  std::string lib;
  std::string html;
  double seconds = 0;
  bool as_json = false;
};

[[nodiscard]] bool is_wanted(const Arguments& arguments, const std::string& name) {
  const auto& only = arguments.only;
  return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
}

// What is given by hand replaces what is found of the same name.
[[nodiscard]] std::vector<BenchAllocator> choose_allocators(const Arguments& arguments) {
  std::vector<BenchAllocator> chosen = {{"glibc", {}}};
  std::vector<BenchAllocator> all;
  for (const std::string& text : arguments.with) all.push_back(read_allocator(text));
  if (is_wanted(arguments, "lunalloc")) all.push_back({"lunalloc", library_of(arguments.lib)});
  for (BenchAllocator& rival : find_rivals()) all.push_back(std::move(rival));
  for (BenchAllocator& one : all) {
    const bool is_there = std::any_of(chosen.begin(), chosen.end(),
                                      [&](const auto& other) { return other.name == one.name; });
    if (!is_there && is_wanted(arguments, one.name)) chosen.push_back(std::move(one));
  }
  for (const std::string& name : arguments.only)
    if (std::none_of(chosen.begin(), chosen.end(),
                     [&](const auto& one) { return one.name == name; }))
      throw AttachError(AttachError::kUsage,
                        "--only " + name + ": there is none here; give it by --with NAME=PATH");
  return chosen;
}

// Those that make figures doubtful.
[[nodiscard]] std::vector<std::string> notes_on_machine() {
  std::vector<std::string> notes;
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  double load = 0;
  if (getloadavg(&load, 1) == 1 && load > 0.25 * processors)
    notes.push_back(
        "the machine was busy before: a load of " + number_text(load, 1) + " on " +
        std::to_string(processors) +
        " processors; wall times tell little then, CPU times more, RSS and faults most");
  std::ifstream file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  std::string governor;
  if (file >> governor && governor != "performance")
    notes.push_back("the processor changes its speed (governor " + governor +
                    "): `cpupower frequency-set -g performance` ends that");
  return notes;
}

[[nodiscard]] int bench(const Arguments& arguments) {
  BenchPlan plan = arguments.plan;
  plan.most = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(arguments.seconds));
  plan.allocators = choose_allocators(arguments);
  std::ofstream page;
  if (!arguments.html.empty()) page.open(arguments.html);
  if (!arguments.html.empty() && !page)
    throw AttachError(AttachError::kMistakes, arguments.html + ": it cannot be written");
  const std::vector<std::string> notes = notes_on_machine();
  BenchRuns runs(std::move(plan));
  for (const std::string& note : notes) std::cerr << "luna: " << note << '\n';
  BenchResult result = runs.make();
  result.notes.insert(result.notes.begin(), notes.begin(), notes.end());
  arguments.as_json ? write_bench_json(result, std::cout) : write_bench_text(result, std::cout);
  if (page.is_open()) write_bench_html(result, page);
  if (page.is_open() && !page.flush())
    throw AttachError(AttachError::kMistakes, arguments.html + ": it cannot be written");
  return result.is_whole() ? AttachError::kDone : AttachError::kMistakes;
}

void add_options(CLI::App& command, Arguments& arguments) {
  command.add_option("--runs", arguments.plan.runs, "of each allocator that are measured")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command.add_option("--with", arguments.with, "one more allocator, as NAME=PATH of its library")
      ->allow_extra_args(false);
  command.add_option("--only", arguments.only, "this one beside glibc, of those found and given")
      ->allow_extra_args(false);
  command.add_option("--lib", arguments.lib,
                     "liblunalloc.so, where it is not beside luna or in ../lib*");
  command.add_option("--html", arguments.html, "a file for a page with bars");
  command.add_flag("--json", arguments.as_json, "for programs, with each run");
  command.add_option("--input", arguments.plan.input, "a file that is the command's stdin")
      ->check(CLI::ExistingFile);
  command
      .add_option("-o,--output", arguments.plan.output,
                  "a folder for what the runs write, NAME.RUN.out and .err; else it is discarded")
      ->check(CLI::ExistingDirectory);
  command.add_flag("--compare-output", arguments.plan.compares_output,
                   "runs that write something else to stdout than under glibc do not count");
  command.add_option("--timeout", arguments.seconds, "seconds after which a run is ended; 0: none")
      ->check(CLI::Range(0.0, 1e6));
  command.add_flag("-q,--quiet", arguments.plan.is_quiet, "no progress on stderr");
  command.add_option("COMMAND", arguments.plan.command, "the program and its arguments")
      ->required();
}

}  // namespace

void add_bench(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "bench", "compares a command under glibc, lunalloc and every other allocator found here");
  add_options(command, *arguments);
  command.footer(
      "Examples:\n"
      "  luna bench -- ./app --its-own options\n"
      "  luna bench --runs 20 --html bench.html -- python3 job.py\n"
      "  luna bench --with mine=/opt/mine/libmine.so --only mine --only lunalloc -- ./app\n"
      "  luna bench --compare-output --json -- sort data.txt | jq .allocators[].figures\n\n"
      "Exit status: 0 done; 1 some runs do not count, an allocator was left out, the command\n"
      "fails, or the file cannot be written; 2 wrong usage; 3 nothing can be preloaded into the\n"
      "command, or no other allocator was in force. See luna(1).");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return bench(*arguments); }); });
}

}  // namespace luna::tool
