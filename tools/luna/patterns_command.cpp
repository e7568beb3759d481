// SPDX-License-Identifier: MIT
#include "patterns_command.hpp"

#include "amount_text.hpp"
#include "file_commands.hpp"
#include "json_bounds.hpp"
#include "json_values.hpp"
#include "printable.hpp"
#include "process_symbolizer.hpp"
#include "profile_output.hpp"
#include "profile_reader.hpp"
#include "verb.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

struct Arguments : VerbArguments {
  std::string format = "text";
  FileArguments of_file;
};

struct Samples {
  pid_t process;
  std::string text;
};

struct Patterns {
  Json rows;    // the key `patterns` of the profile
  Json bounds;  // of its buckets of sizes
  HeapProfile profile;
};

// Without the sites, of which the profile has what is needed.
[[nodiscard]] Patterns read_patterns(const std::string& text) {
  JsonBounds bounds;
  std::string section;
  const auto keep = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (!bounds.allow(depth)) return false;
    if (depth == 1 && event == Json::parse_event_t::key) section = parsed.get<std::string>();
    return depth != 2 || event != Json::parse_event_t::object_end || section != "sites";
  };
  Json whole = Json::parse(text, keep, false);
  if (!whole.is_object() || !whole.contains("patterns") || !whole["patterns"].is_object())
    throw ProfileError(ProfileError::kNoProfile, "its profile has no patterns");
  std::istringstream in(text);
  return {std::move(whole["patterns"]), whole.value("size_bounds", Json::array()),
          parse_json_profile(in)};
}

[[nodiscard]] const Json& list_in(const Patterns& patterns, const char* key) {
  static const Json none = Json::array();
  const auto found = patterns.rows.find(key);
  return found != patterns.rows.end() && found->is_array() ? *found : none;
}

// Where the site of a row stands in the profile; as many as there are: nowhere.
[[nodiscard]] std::size_t site_of(const Patterns& patterns, const Json& row) {
  const std::size_t count = patterns.profile.samples.size();
  const std::int64_t site = row.is_object() ? number_in(row, "site") : -1;
  return site < 0 ? count : std::min(static_cast<std::size_t>(site), count);
}

[[nodiscard]] std::string thread_text(const Patterns& patterns, std::int64_t number) {
  const std::string text = "thread " + std::to_string(number);
  for (const Json& thread : list_in(patterns, "threads"))
    if (thread.is_object() && number_in(thread, "number") == number)
      return text + " (" + printable(text_in(thread, "name")) + ", tid " +
             std::to_string(number_in(thread, "tid")) + ")";
  return text;
}

void write_pairs(const Patterns& patterns, std::ostream& out) {
  constexpr std::size_t kMost = 5;
  std::vector<Json> pairs;
  for (const Json& pair : list_in(patterns, "thread_pairs"))
    if (pair.is_object()) pairs.push_back(pair);
  std::stable_sort(pairs.begin(), pairs.end(), [](const Json& one, const Json& other) {
    return number_in(one, "bytes") > number_in(other, "bytes");
  });
  if (!pairs.empty()) out << "\nFrom those that allocated to those that freed\n";
  for (std::size_t i = 0; i < std::min(kMost, pairs.size()); ++i)
    out << "    " << thread_text(patterns, number_in(pairs[i], "from")) << " to "
        << thread_text(patterns, number_in(pairs[i], "to")) << ": "
        << amount_text(number_in(pairs[i], "bytes"), "bytes") << " in "
        << amount_text(number_in(pairs[i], "objects"), "count") << '\n';
}

[[nodiscard]] std::string size_text(const Patterns& patterns, std::int64_t bucket) {
  const Json& bounds = patterns.bounds;
  if (!bounds.is_array() || bounds.empty() || bucket < 0) return "a size that is not told";
  const auto place = static_cast<std::size_t>(bucket);
  const Json& bound = bounds[std::min(place, bounds.size() - 1)];
  const std::int64_t bytes = bound.is_number_integer() ? bound.get<std::int64_t>() : 0;
  return (place < bounds.size() ? "up to " : "more than ") + amount_text(bytes, "bytes");
}

void write_top_sites(const Patterns& patterns, std::ostream& out) {
  const HeapProfile& profile = patterns.profile;
  for (const Json& row : list_in(patterns, "top_sites")) {
    const std::size_t site = site_of(patterns, row);
    if (site == profile.samples.size()) continue;
    const HeapProfile::Sample& sample = profile.samples[site];
    out << "\nAmong those that allocate most: blocks are mostly of "
        << size_text(patterns, number_in(row, "usual_size_bucket")) << ", "
        << number_in(row, "temporary_percent") << " % temporary" << labels_text(profile, sample)
        << '\n';
    write_stack_text(profile, sample, "    ", out);
  }
}

void write_text(const Patterns& patterns, std::ostream& out) {
  out << "Patterns\n";
  write_patterns_text(patterns.profile, out);
  write_pairs(patterns, out);
  write_top_sites(patterns, out);
}

// With what is needed to read them: the sites that they name, by number.
void write_json(const Patterns& patterns, std::ostream& out) {
  const HeapProfile& profile = patterns.profile;
  std::set<std::size_t> named;
  for (const char* const list : {"freed_by_others", "anomalies", "top_sites"})
    for (const Json& row : list_in(patterns, list)) named.insert(site_of(patterns, row));
  named.erase(profile.samples.size());
  Json sites = Json::object();
  for (const std::size_t site : named) {
    const HeapProfile::Sample& sample = profile.samples[site];
    Json& told = sites[std::to_string(site)];
    told["frames"] = Json::parse(stack_json(profile, sample));
    for (const HeapProfile::Label& label : profile.label_sets[sample.labels])
      told["labels"][label.key] = label.value;
  }
  const Json whole = {{"patterns", patterns.rows}, {"sites", sites}};
  out << whole.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
}

// When it returns, the process is as it was before.
[[nodiscard]] Samples read_samples(const Arguments& arguments) {
  const ReachedProcess process = reach(arguments);
  return {process.number(), get_samples(process, "/debug/pprof/heap?format=json", {})};
}

[[nodiscard]] int patterns(const Arguments& arguments) {
  const Samples samples = read_samples(arguments);
  return run_on_samples(samples.process, [&] {
    Patterns patterns = read_patterns(samples.text);
    Symbolizer symbolizer = symbolizer_for(samples.process, arguments.of_file.debug_folder);
    symbolizer.name_frames(patterns.profile);
    write_output(arguments.of_file, [&](std::ostream& out) {
      if (arguments.format == "json") {
        write_json(patterns, out);
      } else {
        write_text(patterns, out);
      }
    });
    tell_unnamed(symbolizer);
    return status_of("process " + std::to_string(samples.process), patterns.profile.cut);
  });
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
  add_debug_folder(command, arguments->of_file);
  add_process(command, *arguments,
              "  luna ctl 4711 profile.active=true    # once; then let it work\n"
              "  luna patterns 4711\n"
              "  luna patterns 4711 --format json | jq .patterns.waves\n");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return patterns(*arguments); }); });
}

}  // namespace luna::tool
