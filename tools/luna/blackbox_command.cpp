// SPDX-License-Identifier: MIT
#include "blackbox_command.hpp"

#include <iostream>
#include <memory>
#include <string>

namespace luna::tool {

namespace {

struct Arguments {
  std::string file;
  std::string format = "text";
  std::size_t rows = 20;
};

[[nodiscard]] Status print(const Arguments& arguments) {
  const BlackBox box = read_black_box(arguments.file);
  if (arguments.format == "json") {
    write_json(box, std::cout);
  } else {
    write_text(box, arguments.rows, std::cout);
  }
  if (box.missing_bytes == 0) return Status::kDone;
  std::cerr << "luna: " << arguments.file << ": it was cut short; what is left was printed\n";
  return Status::kCutShort;
}

[[nodiscard]] Status print_or_complain(const Arguments& arguments) {
  try {
    return print(arguments);
  } catch (const Unreadable& error) {
    std::cerr << "luna: " << arguments.file << ": " << error.what() << '\n';
    return error.status();
  }
}

}  // namespace

void add_blackbox(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& blackbox = *app.add_subcommand(
      "blackbox", "prints a black box: the last minutes of a process, however it ended");
  blackbox.add_option("FILE", arguments->file, "what the option `blackbox` named")->required();
  blackbox.add_option("--format", arguments->format, "text, or json with all records")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  blackbox.add_option("--rows", arguments->rows, "records of statistics, in text")
      ->capture_default_str();
  blackbox.footer(
      "Examples:\n"
      "  luna blackbox /var/tmp/app.4711.box\n"
      "  luna blackbox app.box --format json | jq .events\n\n"
      "Exit status: 0 printed; 1 it cannot be opened; 2 wrong usage; 3 not a black box, or\n"
      "damaged; 4 of another version; 5 cut short and printed as far as it goes.");
  blackbox.callback(
      [arguments, &status] { status = static_cast<int>(print_or_complain(*arguments)); });
}

}  // namespace luna::tool
