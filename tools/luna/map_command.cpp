// SPDX-License-Identifier: MIT
#include "map_command.hpp"

#include "file_commands.hpp"
#include "page_map.hpp"
#include "verb.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  bool as_json = false;
};

// Some 150 GiB of small blocks.
constexpr std::uintmax_t kMostFileBytes = std::uintmax_t{1} << 28;

[[nodiscard]] int print(const PageMap& map, const std::string& of) {
  write_page_map_text(map, std::cout);
  return status_of(of, map.cut);
}

[[nodiscard]] int map_of_process(const Arguments& arguments) {
  std::string text = reach(arguments).get("/debug/map");
  if (arguments.as_json) {
    print_lines(text);
    return 0;
  }
  std::istringstream in(std::move(text));
  return print(read_page_map(in), "process " + arguments.process);
}

[[nodiscard]] PageMap read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::error_code error;
  if (!in || !std::filesystem::is_regular_file(path, error))
    throw ProfileError(ProfileError::kCannotOpen, path + ": it cannot be read, or is no file");
  if (std::filesystem::file_size(path, error) > kMostFileBytes)
    throw ProfileError(ProfileError::kNoProfile, path + ": it is too long for a map of pages");
  try {
    return read_page_map(in);
  } catch (const ProfileError& mistake) {
    throw ProfileError(mistake.status(), path + ": " + mistake.what());
  }
}

[[nodiscard]] int map_of_file(const Arguments& arguments) {
  const PageMap map = read_file(arguments.process);
  if (!arguments.as_json) return print(map, arguments.process);
  std::ostringstream text;
  text << std::ifstream(arguments.process, std::ios::binary).rdbuf();
  print_lines(text.str());
  return status_of(arguments.process, map.cut);
}

}  // namespace

void add_map(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "map",
      "tells which pages of a process, or of a file, are used for what, and how full they are");
  command.add_flag("--json", arguments->as_json, "the map as it is, see docs/map.md");
  add_process(
      command, *arguments,
      "  luna map 4711\n"
      "  luna map 4711 --json >app.map.json\n"
      "  luna map ./app.4711.map.json         # a file, by that or by map_at_exit\n"
      "\nOf a file: 1 it cannot be read; 3 no map or damaged; 4 of another version; 5 cut short\n"
      "and printed as far as it goes.\n");
  command.callback([arguments, &status] {
    status = names_file(arguments->process)
                 ? run_or_complain([&arguments] { return map_of_file(*arguments); })
                 : run_verb([&arguments] { return map_of_process(*arguments); });
  });
}

}  // namespace luna::tool
