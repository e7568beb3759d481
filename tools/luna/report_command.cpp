// SPDX-License-Identifier: MIT
#include "report_command.hpp"

#include "profile_file.hpp"
#include "report/report_file.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

namespace luna::tool {

namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string base;
  std::string title;
  ReportOutput output{"report.html", {}};
};

// What is read is not to be lost.
void expect_other_file(const Arguments& arguments) {
  std::vector<std::string> read = arguments.files;
  if (!arguments.base.empty()) read.push_back(arguments.base);
  std::error_code ignored;
  for (const std::string& file : read)
    if (std::filesystem::equivalent(arguments.output.file, file, ignored))
      throw ProfileError(ProfileError::kUsage,
                         file + ": it would be written over; name another file with -o");
}

[[nodiscard]] int report(const Arguments& arguments) {
  expect_report_page();
  expect_other_file(arguments);
  ReportData data;
  for (const std::string& file : arguments.files) add_report_file(data, file);
  if (!arguments.base.empty() && !data.profile)
    throw ProfileError(ProfileError::kUsage, "--base compares heap profiles, and there is none");
  if (!arguments.base.empty()) add_earlier_profile(data, arguments.base);
  data.subject = arguments.title.empty() ? data.sources.front().name : arguments.title;
  write_report_file(data, arguments.output);
  int status = ProfileError::kDone;
  for (const ReportSource& source : data.sources)
    status = std::max(status, status_of(source.name, source.cut));
  return status;
}

}  // namespace

void add_report(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "report", "makes one page of HTML of what files tell of a program's memory");
  command
      .add_option("FILE", arguments->files,
                  "profiles as JSON or for pprof, reports of leaks and statistics as JSON, maps, "
                  "timelines, black boxes: one of each at most, told apart by what they hold")
      ->required();
  command.add_option("-o,--output", arguments->output.file, "the page")->capture_default_str();
  command.add_option("--base", arguments->base,
                     "an earlier heap profile, to compare with: the flame graph shows what grew");
  command.add_option("--title", arguments->title, "what it is about, instead of the first file");
  command
      .add_option_function<std::string>(
          "--debug-dir",
          [arguments](const std::string& folder) {
            arguments->output.debug_folder = std::filesystem::absolute(folder).string();
          },
          "look for separate debug files here first")
      ->check(CLI::ExistingDirectory);
  command.footer(
      "Examples:\n"
      "  luna report app.4711.json -o app.html\n"
      "  luna report app.4711.json app.4711.leaks.json app.box -o app.html\n"
      "  luna report now.json --base before.json -o grown.html\n\n"
      "Exit status: 0 written; 1 a file cannot be opened or written, or this luna has no page; 2\n"
      "wrong usage; 3 nothing that can be reported of, or damaged; 4 of another version; 5 a file\n"
      "is cut short, and the page has what was before. See luna(1).");
  command.callback(
      [arguments, &status] { status = run_or_complain([&] { return report(*arguments); }); });
}

}  // namespace luna::tool
