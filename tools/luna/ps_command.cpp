// SPDX-License-Identifier: MIT
#include "ps_command.hpp"

#include "byte_text.hpp"
#include "printable.hpp"
#include "process_list.hpp"
#include "verb.hpp"

#include <nlohmann/json.hpp>
#include <pwd.h>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>

namespace luna::tool {

namespace {

[[nodiscard]] std::string name_of_user(uid_t user) {
  const passwd* const entry = getpwuid(user);
  return entry != nullptr ? entry->pw_name : std::to_string(user);
}

[[nodiscard]] const char* state_of(const LunaProcess& process) {
  if (process.serves) return "socket";
  return process.unreachable.empty() ? "ready" : "closed";
}

void write_table(const std::vector<LunaProcess>& processes) {
  std::cout << "    PID USER             RSS STATE  NAME             LIBRARY\n";
  for (const LunaProcess& process : processes) {
    const std::string name = printable(process.status.name);
    std::cout << std::setw(7) << process.number << ' ' << std::left << std::setw(9)
              << name_of_user(process.status.user) << std::right << std::setw(11)
              << byte_text(process.status.resident_bytes) << ' ' << std::left << std::setw(6)
              << state_of(process) << ' ' << std::setw(16) << name << std::right << ' '
              << (process.image.empty() ? "in the program" : printable(process.image)) << '\n';
  }
}

void write_json(const std::vector<LunaProcess>& processes) {
  nlohmann::json list = nlohmann::json::array();
  for (const LunaProcess& process : processes)
    list.push_back({{"pid", process.number},
                    {"name", printable(process.status.name)},
                    {"user", process.status.user},
                    {"resident_bytes", process.status.resident_bytes},
                    {"state", state_of(process)},
                    {"library", printable(process.image)},
                    {"why_closed", printable(process.unreachable)}});
  std::cout << list.dump(1) << '\n';
}

}  // namespace

void add_ps(CLI::App& app, int& status) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand(
      "ps", "lists the processes that run on lunalloc: your own, or all if you are root");
  command.add_flag("--json", *as_json, "for programs");
  command.footer(
      "STATE: socket, it serves at its control socket; ready, it can be asked; closed, it cannot,\n"
      "and --json says why.\n\n"
      "Examples:\n"
      "  luna ps\n"
      "  luna ps --json | jq '.[].pid'\n\n"
      "Exit status: 0 done, also where there are none; 2 wrong usage. See luna(1).");
  command.callback([as_json, &status] {
    status = run_verb([&as_json] {
      const std::vector<LunaProcess> processes = processes_on_lunalloc();
      *as_json ? write_json(processes) : write_table(processes);
      return 0;
    });
  });
}

}  // namespace luna::tool
