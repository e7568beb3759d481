// SPDX-License-Identifier: MIT
#include "leaks_command.hpp"

#include "file_commands.hpp"
#include "verb.hpp"

#include <memory>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::string format = "text";
  bool proves = false;
  FileArguments of_file;
};

// The library gives up after a minute.
constexpr std::chrono::seconds kProof{120};

[[nodiscard]] std::string read_leaks(const Arguments& arguments) {
  const ReachedProcess process = reach(arguments);
  const std::string proof = arguments.proves ? "&prove=1" : "";
  return get_samples(process, "/debug/leaks?format=" + escaped(arguments.format) + proof,
                     arguments.proves ? kProof : std::chrono::seconds(0));
}

[[nodiscard]] int leaks(const Arguments& arguments) {
  if (!names_file(arguments.process)) {
    print_lines(read_leaks(arguments));
    return 0;
  }
  FileArguments of_file = arguments.of_file;
  of_file.file = arguments.process;
  of_file.format = arguments.format;
  return leaks_file(of_file);
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
