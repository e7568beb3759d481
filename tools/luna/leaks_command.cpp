// SPDX-License-Identifier: MIT
#include "leaks_command.hpp"

#include "file_commands.hpp"
#include "leak_report.hpp"
#include "process_symbolizer.hpp"
#include "verb.hpp"

#include <memory>
#include <sstream>
#include <utility>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::string format = "text";
  bool proves = false;
  FileArguments of_file;
};

// The library gives up after a minute.
constexpr std::chrono::seconds kProof{120};

struct Report {
  pid_t process;
  std::string text;
};

// When it returns, the process is as it was before.
[[nodiscard]] Report read_leaks(const Arguments& arguments) {
  const ReachedProcess process = reach(arguments);
  const std::string target = "/debug/leaks?format=json";
  return {process.number(), get_samples(process, target + (arguments.proves ? "&prove=1" : ""),
                                        arguments.proves ? kProof : std::chrono::seconds(0))};
}

[[nodiscard]] int leaks_of_process(FileArguments output, const Arguments& arguments) {
  Report report = read_leaks(arguments);
  output.file = "process " + std::to_string(report.process);
  return run_on_samples(report.process, [&] {
    std::istringstream text(std::move(report.text));
    LeakFile leaks = read_leak_report(text);
    Symbolizer symbolizer = symbolizer_for(report.process, output.debug_folder);
    return print_leaks(leaks, symbolizer, output);
  });
}

[[nodiscard]] int leaks(const Arguments& arguments) {
  FileArguments output = arguments.of_file;
  output.format = arguments.format;
  if (!names_file(arguments.process)) return leaks_of_process(output, arguments);
  output.file = arguments.process;
  return leaks_file(output);
}

}  // namespace

void add_leaks(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      *app.add_subcommand("leaks", "tells whose memory grows in a process, and how sure that is");
  command.add_flag("--prove", arguments->proves,
                   "looks also for what nothing points to, in a copy of the process");
  command.add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  add_file_options(command, arguments->of_file);
  add_process(command, *arguments,
              "  luna ctl 4711 profile.active=true    # once; then let it work\n"
              "  luna leaks 4711\n"
              "  luna leaks 4711 --prove --format json | jq '.sites[0]'\n"
              "  luna leaks ./app.leaks.json          # a file, with functions and lines\n");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return leaks(*arguments); }); });
}

}  // namespace luna::tool
