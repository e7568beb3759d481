// SPDX-License-Identifier: MIT
#include "stats_command.hpp"

#include "verb.hpp"

#include <iostream>
#include <memory>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::string format = "text";
};

[[nodiscard]] std::string read_stats(const Arguments& arguments) {
  const ReachedProcess process = reach(arguments);
  if (arguments.format == "text") return process.get("/stats.txt");
  if (arguments.format == "json") return process.get("/stats.json");
  return process.get("/metrics", "application/openmetrics-text");
}

}  // namespace

void add_stats(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("stats", "tells where the memory of a process is");
  command.add_option("--format", arguments->format, "text, json or openmetrics")
      ->check(CLI::IsMember({"text", "json", "openmetrics"}))
      ->capture_default_str();
  add_process(command, *arguments,
              "  luna stats 4711\n"
              "  luna stats redis-server --format json | jq .totals.live_bytes\n"
              "  luna stats 4711 --format openmetrics >/var/lib/node_exporter/app.prom\n");
  command.callback([arguments, &status] {
    status = run_verb([&arguments] {
      print_lines(read_stats(*arguments));
      return 0;
    });
  });
}

}  // namespace luna::tool
