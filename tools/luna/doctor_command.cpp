// SPDX-License-Identifier: MIT
#include "doctor_command.hpp"

#include "doctor.hpp"
#include "printable.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <iomanip>
#include <iostream>
#include <memory>

namespace luna::tool {

namespace {

enum Status { kNothing, kToMend, kUsage, kNoProcess };

struct Arguments {
  pid_t process = 0;
  bool json = false;
};

[[nodiscard]] const char* word_of(Health health) {
  switch (health) {
    case Health::kGood:
      return "ok";
    case Health::kNote:
      return "note";
    case Health::kMend:
      break;
  }
  return "MEND";
}

void write_text(const std::vector<Finding>& findings, std::ostream& out) {
  constexpr int kWord = 6;
  constexpr int kWhat = 18;
  const std::string indent(kWord + kWhat, ' ');
  for (const Finding& finding : findings) {
    out << std::left << std::setw(kWord) << word_of(finding.health) << std::setw(kWhat)
        << finding.what << printable(finding.is) << '\n';
    if (!finding.means.empty()) out << indent << printable(finding.means) << '\n';
    if (!finding.mend.empty()) out << indent << "-> " << printable(finding.mend) << '\n';
  }
}

void write_json(const std::vector<Finding>& findings, std::ostream& out) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Finding& finding : findings)
    rows.push_back({{"health", finding.health == Health::kMend ? "mend" : word_of(finding.health)},
                    {"what", finding.what},
                    {"is", printable(finding.is)},
                    {"means", printable(finding.means)},
                    {"mend", printable(finding.mend)}});
  out << rows.dump(2) << '\n';
}

[[nodiscard]] int examine(const Arguments& arguments) {
  const MachineFiles files("/");
  const std::string process = arguments.process != 0 ? std::to_string(arguments.process) : "self";
  if (!files.exists("/proc/" + process)) {
    std::cerr << "luna: there is no process " << process << "; `luna ps` lists those there are\n";
    return kNoProcess;
  }
  std::vector<Finding> findings;
  if (arguments.process != 0) findings = examine_preload(arguments.process);
  for (Finding& finding : examine_limits(files, process)) findings.push_back(std::move(finding));
  for (Finding& finding : examine_machine(files)) findings.push_back(std::move(finding));
  if (arguments.json) {
    write_json(findings, std::cout);
  } else {
    write_text(findings, std::cout);
  }
  const bool any = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.health == Health::kMend;
  });
  return any ? kToMend : kNothing;
}

}  // namespace

void add_doctor(CLI::App& app, int& status) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& doctor = *app.add_subcommand(
      "doctor",
      "Tells what of this machine, or of a process, stands in the way of lunalloc, what it\n"
      "means, and the command that mends it. Nothing is changed.");
  doctor.add_option("PID", arguments->process, "a process, which is looked at too")
      ->check(CLI::Range(1, 1 << 30));
  doctor.add_flag("--json", arguments->json, "as JSON");
  doctor.footer(
      "Examples:\n  luna doctor          the machine, and the limits of this shell\n"
      "  luna doctor 4711     and whether process 4711 runs on lunalloc, or why not\n\n"
      "Exit status: 0 nothing has to be mended; 1 something has; 2 wrong usage; 3 there is no\n"
      "such process.");
  doctor.callback([arguments, &status] { status = examine(*arguments); });
}

}  // namespace luna::tool
