// SPDX-License-Identifier: MIT
#include "patterns_command.hpp"

#include "verb.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <set>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::string format = "text";
};

[[noreturn]] void refuse() {
  throw AttachError(AttachError::kMistakes, "the profile of the process has no patterns");
}

// The end of a profile as text.
[[nodiscard]] std::string patterns_in_text(const std::string& profile) {
  const std::size_t begin = profile.rfind("\nPatterns\n");
  if (begin == profile.npos) refuse();
  return profile.substr(begin + 1);
}

// With what is needed to read them: the sites that they name, by number, and the modules.
[[nodiscard]] std::string patterns_in_json(const std::string& profile) {
  const nlohmann::json whole = nlohmann::json::parse(profile);
  if (!whole.contains("patterns")) refuse();
  const nlohmann::json& patterns = whole.at("patterns");
  std::set<std::size_t> named;
  for (const char* const list : {"freed_by_others", "anomalies", "top_sites"})
    for (const nlohmann::json& row : patterns.at(list))
      named.insert(row.at("site").get<std::size_t>());
  nlohmann::json sites = nlohmann::json::object();
  for (const std::size_t site : named) {
    const nlohmann::json& row = whole.at("sites").at(site);
    sites[std::to_string(site)] = {{"frames", row.at("frames")}};
    if (row.contains("labels")) sites[std::to_string(site)]["labels"] = row.at("labels");
  }
  const nlohmann::json told = {
      {"patterns", patterns}, {"sites", sites}, {"modules", whole.at("modules")}};
  return told.dump(1) + "\n";
}

[[nodiscard]] std::string read_patterns(const Arguments& arguments) {
  const std::string profile =
      get_samples(reach(arguments), "/debug/pprof/heap?format=" + escaped(arguments.format), {});
  return arguments.format == "json" ? patterns_in_json(profile) : patterns_in_text(profile);
}

}  // namespace

void add_patterns(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "patterns",
      "tells between which threads blocks go, waves of demand, and call stacks unlike their past");
  command.add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  add_process(command, *arguments,
              "  luna ctl 4711 profile.active=true    # once; then let it work\n"
              "  luna patterns 4711\n"
              "  luna patterns 4711 --format json | jq .patterns.waves\n");
  command.callback([arguments, &status] {
    status = run_verb([&arguments] {
      print_lines(read_patterns(*arguments));
      return 0;
    });
  });
}

}  // namespace luna::tool
