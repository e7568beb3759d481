// SPDX-License-Identifier: MIT
#include "site_table.hpp"

#include "frame_names.hpp"
#include "profile_view.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostOfType = 100;
constexpr std::size_t kMostLeaks = 200;
constexpr std::size_t kMostFrames = 128;  // of a stack, the innermost ones

constexpr std::string_view kHeadKeys[] = {"interval_bytes", "duration_ms", "dropped_samples",
                                          "proved", "steady_sites"};
constexpr std::string_view kSiteKeys[] = {
    "verdict",    "confidence", "score",        "reason",          "freed_share",
    "age_ms",     "oldest_ms",  "lost_bytes",   "lost_objects",    "lost_definitely",
    "suppressed", "live_bytes", "live_objects", "allocated_bytes", "allocated_objects"};

// What the page knows of an object, so that a foreign file cannot make it large.
[[nodiscard]] Json only(const Json& object, std::span<const std::string_view> keys) {
  Json result = Json::object();
  for (const std::string_view key : keys)
    if (const auto found = object.find(key); found != object.end() && !found->is_structured())
      result[std::string(key)] = *found;
  return result;
}

[[nodiscard]] Json labels_of(const HeapProfile& profile, const HeapProfile::Sample& sample) {
  Json labels = Json::array();
  for (const HeapProfile::Label& label : profile.label_sets[sample.labels])
    labels.push_back({label.key, label.value});
  return labels;
}

// Those with most of any type that can be asked for.
[[nodiscard]] std::set<std::uint32_t> largest_samples(const HeapProfile& profile) {
  std::set<std::uint32_t> chosen;
  const auto add = [&](const std::string& name) {
    const std::vector<std::uint32_t> samples =
        samples_by_amount(profile, choose_view(profile, name).amount);
    chosen.insert(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(
                                                         std::min(samples.size(), kMostOfType)));
  };
  add({});
  for (const std::string& name : view_names()) try {
      add(name);
    } catch (const ProfileError&) {
      continue;  // it does not tell that
    }
  return chosen;
}

}  // namespace

std::size_t FrameTable::place_of(Json row) {
  const auto [found, is_new] =
      places_.try_emplace(row.dump(-1, ' ', false, Json::error_handler_t::replace), rows_.size());
  if (is_new) rows_.push_back(std::move(row));
  return found->second;
}

Json FrameTable::stack(const HeapProfile& profile, const HeapProfile::Sample& sample) {
  Json places = Json::array();
  for (const std::uint32_t number : profile.stack_of(sample)) {
    if (places.size() >= kMostFrames) break;
    const HeapProfile::Location& location = profile.locations[number];
    const std::string module =
        location.mapping == HeapProfile::kNone
            ? std::string()
            : std::string(base_name(profile.mappings[location.mapping].path));
    if (location.lines.empty())
      places.push_back(place_of({place_in_module(profile, location), "", 0, module, false}));
    for (std::size_t i = 0; i < location.lines.size(); ++i) {
      const HeapProfile::Line& line = location.lines[i];
      const HeapProfile::Function& function = profile.functions[line.function];
      places.push_back(place_of(
          {function.name, function.file, line.line, module, i + 1 < location.lines.size()}));
    }
  }
  return places;
}

Json site_rows(const HeapProfile& profile, FrameTable& frames) {
  const std::set<std::uint32_t> chosen = largest_samples(profile);
  const std::size_t shown = choose_view(profile, {}).amount;
  Json columns = Json::array();
  for (const HeapProfile::ValueType& type : profile.types) columns.push_back(type.name);
  Json rows = Json::array();
  for (const std::uint32_t number : samples_by_amount(profile, shown))
    if (chosen.contains(number)) rows.push_back(number);
  for (const std::uint32_t number : chosen)
    if (profile.value_of(number, shown) == 0) rows.push_back(number);
  for (Json& row : rows) {
    const auto number = row.get<std::uint32_t>();
    const HeapProfile::Sample& sample = profile.samples[number];
    Json values = Json::array();
    for (std::size_t type = 0; type < profile.types.size(); ++type)
      values.push_back(profile.value_of(number, type));
    row = {{"values", std::move(values)},
           {"labels", labels_of(profile, sample)},
           {"place", responsible_place(profile, sample)},
           {"stack", frames.stack(profile, sample)}};
  }
  const std::size_t left_out = profile.samples.size() - rows.size();
  return {{"columns", std::move(columns)}, {"rows", std::move(rows)}, {"left_out", left_out}};
}

Json leak_rows(const LeakFile& leaks, FrameTable& frames) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < std::min(leaks.sites.size(), kMostLeaks); ++i) {
    const HeapProfile::Sample& sample = leaks.stacks.samples[i];
    Json row = only(leaks.sites[i], kSiteKeys);
    row["labels"] = labels_of(leaks.stacks, sample);
    row["place"] = responsible_place(leaks.stacks, sample);
    row["stack"] = frames.stack(leaks.stacks, sample);
    rows.push_back(std::move(row));
  }
  return {{"head", only(leaks.head, kHeadKeys)},
          {"rows", std::move(rows)},
          {"left_out", leaks.sites.size() - std::min(leaks.sites.size(), kMostLeaks)}};
}

}  // namespace luna::tool
