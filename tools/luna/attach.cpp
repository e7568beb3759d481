// SPDX-License-Identifier: MIT
#include "attach.hpp"

#include "attach_target.hpp"

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

namespace {

struct Arguments {
  long process = 0;
  std::vector<std::string> requests;
  double seconds = 10;
};

// What the other process wrote is not for a terminal to obey.
[[nodiscard]] std::string printable(std::string_view text) {
  std::string result(text);
  for (char& letter : result)
    if ((letter < ' ' || letter > '~') && letter != '\n') letter = '?';
  return result;
}

// Without any request it asks for the version, which tells that the process can be reached.
[[nodiscard]] std::string joined(const std::vector<std::string>& requests) {
  std::string text;
  for (const std::string& request : requests) text += (text.empty() ? "" : ",") + request;
  return text.empty() ? "?version" : text;
}

[[nodiscard]] int attach(const Arguments& arguments) {
  AttachTarget target(static_cast<pid_t>(arguments.process));
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(arguments.seconds));
  const Answer answer = target.ask(joined(arguments.requests), patience);
  if (answer.replaced) std::cerr << "luna: a request that nobody has carried out is replaced\n";
  std::cout << printable(answer.text);
  if (answer.is_cut) std::cerr << "luna: the answer is longer than there is room for\n";
  return answer.mistakes == 0 ? AttachError::kDone : AttachError::kMistakes;
}

[[nodiscard]] int attach_or_say_why(const Arguments& arguments) {
  try {
    return attach(arguments);
  } catch (const AttachError& error) {
    std::cerr << "luna: " << printable(error.what()) << "\n";
    return error.status();
  }
}

}  // namespace

void add_attach(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("attach", "change and read settings of a process that runs on lunalloc");
  command->add_option("pid", arguments->process, "the process")
      ->required()
      ->check(CLI::Range(1L, 1L << 30));
  command->add_option("request", arguments->requests,
                      "key:value sets, ?key asks; keys are options or controls");
  command
      ->add_option("--timeout", arguments->seconds, "seconds to wait for the answer (default 10)")
      ->check(CLI::Range(0.0, 1e6));
  command->footer(
      "Examples:\n"
      "  luna attach 4711                                  # its version\n"
      "  luna attach 4711 decay_ms:100 profile:true ?socket\n"
      "  luna attach 4711 socket:/run/user/1000/%p.sock\n\n"
      "Exit status: 0 all done; 1 a part of the request was wrong; 2 wrong usage; 3 the process\n"
      "cannot be reached; 4 it has not answered in time.");
  command->callback([arguments, &status] { status = attach_or_say_why(*arguments); });
}

}  // namespace luna::tool
