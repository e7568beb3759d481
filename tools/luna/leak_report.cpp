// SPDX-License-Identifier: MIT
#include "leak_report.hpp"

#include "demangle.hpp"
#include "json_bounds.hpp"
#include "json_values.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

// A site has a few KiB, and there are as many as the profiler's tables have room for.
constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 28;

// In the whole, in the array of sites.
constexpr int kHeadDepth = 1;
constexpr int kSiteDepth = 2;

// Takes the sites off while they come, so that a report that is cut short has those before the cut.
[[nodiscard]] Json parse(std::istream& in, std::vector<Json>& sites, bool& whole) {
  std::string section;
  Json head = Json::object();
  JsonBounds bounds;
  const auto keep = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (!bounds.allow(depth)) return false;
    if (event == Json::parse_event_t::key && depth == kHeadDepth)
      section = parsed.get<std::string>();
    if (event == Json::parse_event_t::value && depth == kHeadDepth) head[section] = parsed;
    if (event != Json::parse_event_t::object_end || depth != kSiteDepth || section != "sites")
      return true;
    sites.push_back(std::move(parsed));
    return false;
  };
  whole = !Json::parse(in, keep, false).is_discarded() && !bounds.is_full();
  return head;
}

// The frames of a report as a profile, whose addresses are those of the files.
class Stacks {
 public:
  explicit Stacks(LeakFile& report) : report_(report) {}

  void add(const Json& site) {
    HeapProfile& stacks = report_.stacks;
    HeapProfile::Sample sample{stacks.frames.size(), 0, 0};
    const auto frames = site.find("frames");
    if (frames != site.end() && frames->is_array())
      for (const Json& frame : *frames) stacks.frames.push_back(place_of(frame));
    sample.frames = static_cast<std::uint32_t>(stacks.frames.size() - sample.first_frame);
    sample.labels = labels_of(site);
    stacks.samples.push_back(sample);
  }

 private:
  using Key = std::tuple<std::uint32_t, std::uint64_t, std::string>;  // mapping, address, name

  [[nodiscard]] std::uint32_t place_of(const Json& frame) {
    HeapProfile& stacks = report_.stacks;
    HeapProfile::Location location;
    location.address = address_in(frame, "address");
    const std::string name = text_in(frame, "function");
    const bool is_runtime = frame.is_object() && frame.contains("file");
    if (is_runtime) return place_of_runtime(frame, name);
    location.mapping = mapping_of(text_in(frame, "module"), text_in(frame, "build_id"));
    const auto next = static_cast<std::uint32_t>(stacks.locations.size());
    const auto [found, is_new] =
        places_.try_emplace({location.mapping, location.address, name}, next);
    if (is_new) {
      stacks.locations.push_back(location);
      report_.linker_names.push_back(name);
    }
    return found->second;
  }

  // Of a runtime that named it.
  [[nodiscard]] std::uint32_t place_of_runtime(const Json& frame, const std::string& name) {
    HeapProfile& stacks = report_.stacks;
    const auto function = static_cast<std::uint32_t>(stacks.functions.size());
    stacks.functions.push_back({name, text_in(frame, "file")});
    const auto line = static_cast<std::uint64_t>(number_in(frame, "line"));
    stacks.locations.push_back({0, HeapProfile::kNone, {{function, line}}});
    report_.linker_names.emplace_back();
    return static_cast<std::uint32_t>(stacks.locations.size() - 1);
  }

  [[nodiscard]] std::uint32_t mapping_of(const std::string& path, const std::string& build_id) {
    if (path.empty()) return HeapProfile::kNone;
    const auto next = static_cast<std::uint32_t>(report_.stacks.mappings.size());
    const auto [found, is_new] = mappings_.try_emplace({path, build_id}, next);
    if (is_new) {
      HeapProfile::Mapping& mapping = report_.stacks.mappings.emplace_back();
      mapping.path = path;
      mapping.build_id = build_id;
      mapping.bias = 0;
    }
    return found->second;
  }

  [[nodiscard]] std::uint32_t labels_of(const Json& site) {
    const auto labels = site.find("labels");
    if (labels == site.end() || !labels->is_object() || labels->empty()) return 0;
    std::vector<HeapProfile::Label>& set = report_.stacks.label_sets.emplace_back();
    for (const auto& [key, value] : labels->items())
      set.push_back({key, value.is_string() ? value.get<std::string>() : std::string()});
    return static_cast<std::uint32_t>(report_.stacks.label_sets.size() - 1);
  }

  LeakFile& report_;
  std::map<Key, std::uint32_t> places_;
  std::map<std::pair<std::string, std::string>, std::uint32_t> mappings_;
};

}  // namespace

LeakFile read_leak_report(std::istream& in) {
  LeakFile report;
  bool whole = false;
  report.head = parse(in, report.sites, whole);
  const std::string format = text_in(report.head, "format");
  if (format == "lunalloc-heap-profile")
    throw ProfileError(ProfileError::kNoProfile,
                       "it is a heap profile, which has no verdicts; `luna profile` prints it, and "
                       "luna_leaks_dump(path, LUNA_PROFILE_JSON) writes a report of leaks");
  // The second is what `luna leaks --format json` writes, whose frames have names.
  if (format != "lunalloc-leak-report" && format != "luna-leak-report")
    throw ProfileError(ProfileError::kNoProfile,
                       "it is no report of leaks as JSON; luna_leaks_dump(path, LUNA_PROFILE_JSON) "
                       "writes such");
  if (const std::int64_t version = number_in(report.head, "version"); version != 1)
    throw ProfileError(ProfileError::kOtherVersion,
                       "its format has version " + std::to_string(version) +
                           ", and this program knows 1; use the `luna` of the lunalloc that "
                           "wrote it");
  Stacks stacks(report);
  for (const Json& site : report.sites) stacks.add(site);
  if (!whole) report.stacks.cut = "it was cut short or is damaged";
  return report;
}

LeakFile read_leak_report(const std::string& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file)
    throw ProfileError(ProfileError::kCannotOpen,
                       path + ": " + (error ? error.message() : "cannot be opened") +
                           "; does the option `profile_file` name another file?");
  if (bytes > kMostBytes)
    throw ProfileError(ProfileError::kNoProfile,
                       path + ": it has more than 256 MiB, which no report of leaks has");
  try {
    return read_leak_report(file);
  } catch (const ProfileError& refused) {
    throw ProfileError(refused.status(), path + ": " + refused.what());
  }
}

void keep_linker_names(LeakFile& report) {
  HeapProfile& stacks = report.stacks;
  for (std::size_t i = 0; i < stacks.locations.size(); ++i) {
    if (!stacks.locations[i].lines.empty() || report.linker_names[i].empty()) continue;
    stacks.locations[i].lines = {{static_cast<std::uint32_t>(stacks.functions.size()), 0}};
    stacks.functions.push_back({demangled(report.linker_names[i]), {}});
  }
}

}  // namespace luna::tool
