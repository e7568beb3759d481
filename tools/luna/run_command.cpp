// SPDX-License-Identifier: MIT
#include "run_command.hpp"

#include "attach_target.hpp"
#include "child_process.hpp"
#include "own_folder.hpp"
#include "profile_file.hpp"
#include "report/report_file.hpp"
#include "run_report.hpp"
#include "run_summary.hpp"
#include "verb.hpp"

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

namespace luna::tool {

namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> command;
  std::string profile;  // empty: none; else "true", or bytes for a sample
  std::string conf;
  std::uint64_t heap_limit = 0;  // bytes; 0: none
  std::string lib;
  std::string folder = ".";
  std::string report;  // empty: none
  bool keeps = false;  // what the report is made from
  bool is_quiet = false;
};

constexpr const char* kLibrary = "liblunalloc.so.1";

// Beside this program, or where it is installed with it.
[[nodiscard]] fs::path find_library() {
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  if (fs::exists(here / kLibrary)) return here / kLibrary;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(here.parent_path(), error)) {
    if (!entry.path().filename().string().starts_with("lib")) continue;
    if (fs::exists(entry.path() / kLibrary, error)) return entry.path() / kLibrary;
    for (const auto& inner : fs::directory_iterator(entry.path(), error))
      if (fs::exists(inner.path() / kLibrary, error)) return inner.path() / kLibrary;
  }
  throw AttachError(
      AttachError::kUsage,
      "there is no liblunalloc.so.1 beside this program or in ../lib*; say where by --lib");
}

}  // namespace

std::string library_of(const std::string& lib) {
  const fs::path library = lib.empty() ? find_library() : fs::absolute(lib);
  if (!fs::exists(library))
    throw AttachError(AttachError::kUsage, library.string() + ": there is no such file");
  if (library.string().find_first_of(": ") != std::string::npos)
    throw AttachError(
        AttachError::kUsage,
        library.string() + ": the dynamic linker takes no path with blanks or colons");
  return library;
}

namespace {

// As a part of the value of an option.
[[nodiscard]] std::string option_path(const fs::path& folder) {
  const std::string text = fs::canonical(folder);
  if (text.find_first_of(",%") == std::string::npos) return text;
  throw AttachError(AttachError::kUsage, text + ": options take no path with , or %");
}

[[nodiscard]] std::string joined(const std::string& one, const char* between,
                                 const std::string& other) {
  return one.empty() || other.empty() ? one + other : one + between + other;
}

[[nodiscard]] std::string value_of(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr ? value : "";
}

[[nodiscard]] std::string interval_of(const Arguments& arguments) {
  const std::string& text = arguments.profile;
  if (text == "true" || text.empty()) return "524288";
  if (text.find_first_not_of("0123456789") == text.npos) return text;
  throw AttachError(AttachError::kUsage, "--profile=" + text + ": want a number of bytes");
}

[[nodiscard]] bool wants_profile(const Arguments& arguments) {
  return !arguments.profile.empty() || !arguments.report.empty();
}

// Whether it is left there; else it is the report's alone.
[[nodiscard]] bool keeps_profile(const Arguments& arguments) {
  return !arguments.profile.empty() || arguments.keeps;
}

// What is set last counts.
[[nodiscard]] std::string options_of(const Arguments& arguments, const fs::path& own) {
  std::string text = value_of("LUNALLOC_CONF");
  text = joined(text, ",", "stats_file:" + option_path(own) + "/%p.json");
  if (wants_profile(arguments))
    text += ",profile:true,profile_interval:" + interval_of(arguments) +
            ",profile_at_exit:true,profile_format:json,leak_report_at_exit:true,profile_file:" +
            option_path(keeps_profile(arguments) ? fs::path(arguments.folder) : own) + "/%e.%p";
  if (!arguments.report.empty()) text += report_options(option_path(own));
  if (arguments.heap_limit != 0)
    text += ",hard_limit_mib:" + std::to_string((arguments.heap_limit + (1U << 20) - 1) >> 20);
  return joined(text, ",", arguments.conf);
}

// The file of a process in a folder; empty: there is none.
[[nodiscard]] fs::path find_file(const fs::path& folder, const std::string& ending) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().ends_with(ending)) return entry.path();
  return {};
}

// Whatever the files are, the status is that of the program.
void tell(const Arguments& arguments, const ChildEnd& end, const RunFiles& files) {
  try {
    std::ostringstream text;
    write_summary(fs::path(arguments.command[0]).filename(), end, files, text);
    std::cerr << text.str();
  } catch (const std::exception& error) {
    std::cerr << "luna: no summary: " << error.what() << '\n';
  }
}

[[nodiscard]] RunFiles find_files(const Arguments& arguments, const fs::path& own, pid_t process) {
  const std::string number = std::to_string(process);
  RunFiles files;
  if (fs::exists(own / (number + ".json"))) files.statistics = own / (number + ".json");
  if (!wants_profile(arguments)) return files;
  files.is_kept = keeps_profile(arguments);
  const fs::path folder = files.is_kept ? fs::path(arguments.folder) : own;
  files.profile = find_file(folder, "." + number + ".json");
  files.leaks = find_file(folder, "." + number + ".leaks.txt");
  return files;
}

// Empty: there is none, which was said.
[[nodiscard]] fs::path make_report(const Arguments& arguments, const fs::path& own, pid_t process,
                                   const fs::path& profile) {
  const auto make = [&] {
    ReportData data = read_run(own, process, profile);
    if (data.sources.empty())
      throw ProfileError(ProfileError::kNoProfile,
                         "no report: the program left nothing, as if it was killed at once, or "
                         "does not run on lunalloc");
    data.subject = fs::path(arguments.command[0]).filename();
    write_report_file(data, {arguments.report, {}});
    if (arguments.keeps) keep_run(own, process, profile, arguments.folder);
    return static_cast<int>(ProfileError::kDone);
  };
  return run_or_complain(make) == ProfileError::kDone ? fs::path(arguments.report) : fs::path();
}

[[nodiscard]] int run(const Arguments& arguments) {
  const OwnFolder own;
  const bool reports = !arguments.report.empty();
  if (reports) expect_report_page();
  RunWatch watch(own.path());
  const ChildEnd end =
      run_child(arguments.command,
                {{"LD_PRELOAD", joined(library_of(arguments.lib), ":", value_of("LD_PRELOAD"))},
                 {"LUNALLOC_CONF", options_of(arguments, own.path())}},
                [&](pid_t process) {
                  if (reports) watch.begin(process);
                });
  watch.end();
  RunFiles files = find_files(arguments, own.path(), end.process);
  const bool was_run = end.status != 126 && end.status != 127;
  if (reports && (was_run || !files.statistics.empty()))
    files.report = make_report(arguments, own.path(), end.process, files.profile);
  if (!arguments.is_quiet && (was_run || !files.statistics.empty())) tell(arguments, end, files);
  return end.status;
}

void add_options(CLI::App& command, Arguments& arguments) {
  command.add_flag("--profile", arguments.profile,
                   "with a profile, as --profile=N with a sample for each N bytes, or 524288");
  command.add_option("--report", arguments.report,
                     "a page of HTML with all that is known of it; takes a profile by itself");
  command.add_flag("--keep", arguments.keeps,
                   "leaves what the report is made from where -o says, too");
  command.add_option("--conf", arguments.conf, "more options, as in LUNALLOC_CONF");
  command
      .add_option("--heap-limit", arguments.heap_limit,
                  "malloc fails where the heap would grow beyond this, as 512M")
      ->transform(CLI::AsSizeValue(false));
  command.add_option("--lib", arguments.lib,
                     "liblunalloc.so, where it is not beside luna or in ../lib*");
  command
      .add_option("-o,--output", arguments.folder, "the folder for profiles and reports of leaks")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  command.add_flag("-q,--quiet", arguments.is_quiet, "no summary");
  command.add_option("COMMAND", arguments.command, "the program and its arguments")->required();
}

}  // namespace

void add_run(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "run", "runs a program on lunalloc, and says on stderr what became of its memory");
  add_options(command, *arguments);
  command.footer(
      "Examples:\n"
      "  luna run -- ./app --its-own options\n"
      "  luna run --profile -- python3 job.py        # who allocated, and who leaks\n"
      "  luna run --report app.html -- ./app         # all of it on one page\n"
      "  luna run --profile=4096 -o /tmp -- ./app    # more samples\n"
      "  luna run --heap-limit 512M --conf decay_ms:0 -- ./app\n\n"
      "Exit status: that of the program, 128 + N if signal N killed it; 126 and 127: it cannot be\n"
      "run, or there is none; 2 wrong usage. See luna(1).");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return run(*arguments); }); });
}

std::vector<std::string> set_apart(CLI::App& app, std::vector<std::string> words) {
  constexpr const char* kEndOfOptions = "--";
  if (words.empty() || (words[0] != "run" && words[0] != "bench")) return words;
  const CLI::App& command = *app.get_subcommand(words[0]);
  std::size_t place = 1;
  while (place < words.size() && words[place] != kEndOfOptions && words[place].starts_with("-")) {
    const CLI::Option* const option = command.get_option_no_throw(words[place]);
    place += option != nullptr && option->get_expected_min() > 0 ? 2 : 1;
  }
  if (place < words.size() && words[place] != kEndOfOptions)
    words.insert(words.begin() + static_cast<std::ptrdiff_t>(place), kEndOfOptions);
  return words;
}

}  // namespace luna::tool
