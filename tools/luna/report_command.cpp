// SPDX-License-Identifier: MIT
#include "report_command.hpp"

#include "file_commands.hpp"
#include "profile_file.hpp"
#include "report/report_file.hpp"
#include "report_gather.hpp"
#include "verb.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <system_error>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::vector<std::string> names;  // files, or one process
  std::string base;
  std::string title;
  ReportOutput output{"report.html", {}};
  GatherOptions gathered;
};

// What is read is not to be lost.
void expect_other_file(const Arguments& arguments) {
  std::vector<std::string> read = arguments.names;
  if (!arguments.base.empty()) read.push_back(arguments.base);
  std::error_code ignored;
  for (const std::string& file : read)
    if (std::filesystem::equivalent(arguments.output.file, file, ignored))
      throw ProfileError(ProfileError::kUsage,
                         file + ": it would be written over; name another file with -o");
}

// A word that names no file is a process, unless it stands among files.
[[nodiscard]] bool is_of_process(const Arguments& arguments) {
  return arguments.names.size() == 1 && !names_file(arguments.names[0]);
}

[[nodiscard]] ReportData data_of(const Arguments& arguments) {
  ReportData data;
  if (is_of_process(arguments)) {
    VerbArguments verb = arguments;
    verb.process = arguments.names[0];
    data = gather_report(reach(verb), arguments.gathered);
  } else {
    for (const std::string& file : arguments.names) add_report_file(data, file);
    data.subject = data.sources.front().name;
  }
  if (!arguments.base.empty() && !data.profile)
    throw ProfileError(ProfileError::kUsage, "--base compares heap profiles, and there is none");
  if (!arguments.base.empty()) add_earlier_profile(data, arguments.base);
  if (!arguments.title.empty()) data.subject = arguments.title;
  return data;
}

[[nodiscard]] int report(const Arguments& arguments) {
  expect_report_page();
  expect_other_file(arguments);
  ReportData data = data_of(arguments);
  write_report_file(data, arguments.output);
  int status = ProfileError::kDone;
  for (const ReportSource& source : data.sources)
    status = std::max(status, status_of(source.name, source.cut));
  return status;
}

void add_options(CLI::App& command, const std::shared_ptr<Arguments>& arguments) {
  command
      .add_option("FILE", arguments->names,
                  "profiles as JSON or for pprof, reports of leaks and statistics as JSON, maps, "
                  "timelines, black boxes: one of each at most, told apart by what they hold; or "
                  "one process, by its number or name")
      ->required();
  command.add_option("-o,--output", arguments->output.file, "the page")->capture_default_str();
  command.add_option("--base", arguments->base,
                     "an earlier heap profile, to compare with: the flame graph shows what grew");
  command.add_option("--title", arguments->title, "what it is about, instead of the first name");
  command
      .add_option("--seconds", arguments->gathered.seconds,
                  "of a process: watch it so long, 1 to 600, and have it take samples meanwhile")
      ->check(CLI::Range(1U, 600U));
  command
      .add_option("--keep", arguments->gathered.folder,
                  "of a process: a folder for what it told, as files")
      ->check(CLI::ExistingDirectory);
  command
      .add_option("--timeout", arguments->seconds, "of a process: seconds to wait for an answer")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--debug-dir",
          [arguments](const std::string& folder) {
            arguments->output.debug_folder = std::filesystem::absolute(folder).string();
          },
          "look for separate debug files here first")
      ->check(CLI::ExistingDirectory);
}

}  // namespace

void add_report(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "report", "makes one page of HTML of what files, or a process, tell of a program's memory");
  add_options(command, arguments);
  command.footer(
      "Examples:\n"
      "  luna report app.4711.json -o app.html\n"
      "  luna report app.4711.json app.4711.leaks.json app.box -o app.html\n"
      "  luna report now.json --base before.json -o grown.html\n"
      "  luna report 4711 --seconds 30 -o app.html\n\n"
      "Exit status: 0 written; 1 a file cannot be opened or written, or this luna has no page; 2\n"
      "wrong usage; 3 nothing that can be reported of, or damaged, or the process cannot be\n"
      "reached; 4 of another version, or no answer in time; 5 a file is cut short, and the page\n"
      "has what was before. See luna(1).");
  command.callback([arguments, &status] {
    status = run_verb([&] { return run_or_complain([&] { return report(*arguments); }); });
  });
}

}  // namespace luna::tool
