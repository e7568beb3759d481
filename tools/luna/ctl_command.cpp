// SPDX-License-Identifier: MIT
#include "ctl_command.hpp"

#include "printable.hpp"
#include "verb.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::vector<std::string> requests;  // key, or key=value
  bool as_json = false;
};

[[nodiscard]] std::string value_text(const nlohmann::json& control) {
  const nlohmann::json& value = control.at("value");
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (value.is_null()) text = "(action)";
  const auto unit = control.at("unit").get<std::string>();
  return printable(text + (unit.empty() || value.is_null() ? "" : " " + unit));
}

void write_list(const std::string& list) {
  std::ostringstream out;  // so that what makes no sense is not printed in part
  constexpr std::size_t kWidestValue = 24;
  const nlohmann::json controls = parse_answer(list);
  std::size_t widest = 0;
  for (const nlohmann::json& control : controls)
    widest = std::max(widest, control.at("name").get_ref<const std::string&>().size());
  for (const nlohmann::json& control : controls) {
    const bool can_be_set = control.at("writable").get<bool>();
    out << std::left << std::setw(static_cast<int>(std::min<std::size_t>(widest, 64)))
        << printable(control.at("name").get<std::string>()) << (can_be_set ? " = " : " : ")
        << std::setw(kWidestValue) << value_text(control) << ' '
        << printable(control.at("help").get<std::string>()) << '\n';
  }
  std::cout << out.str();
}

[[nodiscard]] std::string without_end(std::string line) {
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return printable(line);
}

// The lines of answers, and of mistakes in place of those that were refused.
struct Told {
  std::string answers;
  std::string mistakes;
};

// What the process says of it, without the words that are for writers of programs.
[[nodiscard]] std::string mistake_of(const HttpAnswer& answer, bool is_read) {
  if (answer.status == 405 && is_read) return "is an action; set it to a number to have it done";
  const std::string text = without_end(answer.body);
  if (answer.status != 405) return text;
  const std::size_t reason = answer.body.find('\n') + 1;
  return "cannot be set: " + without_end(answer.body.substr(reason));
}

void carry_out(const ReachedProcess& process, const std::string& request, Told& told) {
  const std::size_t sign = request.find('=');
  const bool is_read = sign == request.npos;
  const std::string key = request.substr(0, sign);
  const std::string target = "/control/" + escaped(key);
  const HttpAnswer answer =
      process.ask(is_read ? HttpQuestion{"GET", target}
                          : HttpQuestion{"PUT", target, request.substr(sign + 1)});
  if (answer.status == 200) {
    told.answers += key + " = " + without_end(answer.body) + "\n";
  } else {
    told.mistakes += "luna: " + printable(key) + ": " + mistake_of(answer, is_read) + "\n";
  }
}

[[nodiscard]] int control(const Arguments& arguments) {
  if (arguments.requests.empty()) {
    const std::string list = reach(arguments).get("/control");
    arguments.as_json ? print_lines(list) : write_list(list);
    return AttachError::kDone;
  }
  Told told;
  {
    const ReachedProcess process = reach(arguments);
    for (const std::string& request : arguments.requests) carry_out(process, request, told);
  }
  std::cout << told.answers << std::flush;
  std::cerr << told.mistakes;
  return told.mistakes.empty() ? AttachError::kDone : AttachError::kMistakes;
}

}  // namespace

void add_ctl(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "ctl", "lists, reads and sets the controls of a process: docs/control.md");
  command.add_flag("--json", arguments->as_json, "the list for programs");
  add_process(
      command, *arguments,
      "  luna ctl 4711                            # all, with their meaning; `=`: can be set\n"
      "  luna ctl 4711 decay.ms                   # one\n"
      "  luna ctl 4711 decay.ms=100 profile.active=true\n"
      "  luna ctl 4711 memory.purge=0             # does it\n");
  command.add_option("KEY[=VALUE]", arguments->requests, "a control, or a new value for it");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return control(*arguments); }); });
}

}  // namespace luna::tool
