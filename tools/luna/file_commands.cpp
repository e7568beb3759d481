// SPDX-License-Identifier: MIT
#include "file_commands.hpp"

#include <filesystem>
#include <memory>
#include <system_error>

namespace luna::tool {

bool names_file(const std::string& word) {
  if (word.find('/') != std::string::npos) return true;
  const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
  std::error_code ignored;
  return !is_number && std::filesystem::exists(word, ignored);
}

void add_type(CLI::App& command, FileArguments& arguments) {
  command.add_option("--type", arguments.type, "what to show, instead of what it is of")
      ->check(CLI::IsMember(view_names()));
}

void add_debug_folder(CLI::App& command, FileArguments& arguments) {
  // The search by build-id wants whole paths.
  const auto set_debug_folder = [&arguments](const std::string& folder) {
    arguments.debug_folder = std::filesystem::absolute(folder).string();
  };
  command
      .add_option_function<std::string>("--debug-dir", set_debug_folder,
                                        "look for separate debug files here first")
      ->check(CLI::ExistingDirectory);
}

void add_file_options(CLI::App& command, FileArguments& arguments) {
  command.add_option("--rows", arguments.rows, "functions and sites that the text has")
      ->capture_default_str();
  add_debug_folder(command, arguments);
}

void add_diff(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<FileArguments>();
  CLI::App& command =
      *app.add_subcommand("diff", "tells what grew and shrank between two heap profiles");
  command.add_option("A", arguments->file, "the earlier profile, as JSON or for pprof")->required();
  command.add_option("B", arguments->other, "the later one")->required();
  command.add_option("-o,--output", arguments->out, "a file, instead of the standard output");
  command.add_option("--format", arguments->format, "what to write")
      ->check(CLI::IsMember({"text", "collapsed", "json"}))
      ->capture_default_str();
  add_type(command, *arguments);
  add_file_options(command, *arguments);
  command.footer(
      "Examples:\n"
      "  luna diff ./app.before.json ./app.after.json\n"
      "  luna diff --type inuse --format collapsed a.pb.gz b.pb.gz | flamegraph.pl >grew.svg\n\n"
      "Exit status: 0 printed; 1 a file cannot be opened or written; 2 wrong usage; 3 not a\n"
      "profile or damaged; 4 of another version; 5 cut short and printed as far as it goes.");
  command.callback([arguments, &status] { status = diff_files(*arguments); });
}

}  // namespace luna::tool
