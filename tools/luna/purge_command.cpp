// SPDX-License-Identifier: MIT
#include "purge_command.hpp"

#include "byte_text.hpp"
#include "verb.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <iostream>
#include <memory>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::uint64_t kept_bytes = 0;
  bool as_json = false;
};

// As the kernel says.
struct Resident {
  std::uint64_t heap = 0;
  std::uint64_t process = 0;
};

[[nodiscard]] std::uint64_t number_in(const nlohmann::json& statistics, const char* key) {
  const nlohmann::json& value = statistics.at("reconciliation").at(key);
  if (!value.is_number_unsigned())
    throw AttachError(AttachError::kMistakes, std::string("the process does not know its ") + key);
  return value.get<std::uint64_t>();
}

[[nodiscard]] Resident read_resident(const ReachedProcess& process) {
  const nlohmann::json statistics = parse_answer(process.get("/stats.json"));
  return {number_in(statistics, "resident_bytes"), number_in(statistics, "process_resident_bytes")};
}

void write(const Resident& before, const Resident& after, bool as_json) {
  const std::uint64_t returned = before.heap > after.heap ? before.heap - after.heap : 0;
  if (as_json) {
    const nlohmann::json told = {{"returned_bytes", returned},
                                 {"heap_resident_before_bytes", before.heap},
                                 {"heap_resident_after_bytes", after.heap},
                                 {"process_resident_before_bytes", before.process},
                                 {"process_resident_after_bytes", after.process}};
    std::cout << told.dump(1) << '\n';
    return;
  }
  std::cout << byte_text(returned) << " went back to the kernel: " << byte_text(before.heap)
            << " of the heap were resident, " << byte_text(after.heap) << " are; of the process "
            << byte_text(before.process) << ", " << byte_text(after.process) << '\n';
}

[[nodiscard]] int purge(const Arguments& arguments) {
  Resident before;
  Resident after;
  {
    const ReachedProcess process = reach(arguments);
    before = read_resident(process);
    static_cast<void>(process.set("memory.purge", std::to_string(arguments.kept_bytes)));
    after = read_resident(process);
  }
  write(before, after, arguments.as_json);
  return AttachError::kDone;
}

}  // namespace

void add_purge(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command =
      *app.add_subcommand("purge", "has a process give what is free back to the kernel, now");
  command.add_option("--keep", arguments->kept_bytes, "but for so many bytes of free pages")
      ->capture_default_str();
  command.add_flag("--json", arguments->as_json, "for programs");
  add_process(command, *arguments,
              "  luna purge 4711\n"
              "  luna purge redis-server --keep 67108864\n");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return purge(*arguments); }); });
}

}  // namespace luna::tool
