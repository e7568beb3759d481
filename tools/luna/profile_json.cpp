// SPDX-License-Identifier: MIT
#include "amount_text.hpp"
#include "profile_output.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

// What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

[[nodiscard]] Json json_of(const HeapProfile& profile, const HeapProfile::Location& location) {
  Json place = Json::object();
  if (location.address != 0) place["address"] = hex_text(location.address);
  if (location.mapping != HeapProfile::kNone) {
    const HeapProfile::Mapping& mapping = profile.mappings[location.mapping];
    place["module"] = mapping.path;
    if (mapping.bias) place["module_address"] = hex_text(location.address - *mapping.bias);
  }
  Json frames = Json::array();
  for (std::size_t i = 0; i < location.lines.size(); ++i) {
    const HeapProfile::Line& line = location.lines[i];
    const HeapProfile::Function& function = profile.functions[line.function];
    Json frame = {{"function", function.name}, {"file", function.file}, {"line", line.line}};
    frame["inlined"] = i + 1 < location.lines.size();
    frame.update(place);
    frames.push_back(std::move(frame));
  }
  if (frames.empty()) frames.push_back(std::move(place));
  return frames;
}

[[nodiscard]] Json head_of(const HeapProfile& profile, const ProfileView& view) {
  Json types = Json::array();
  for (const HeapProfile::ValueType& type : profile.types)
    types.push_back({{"name", type.name}, {"unit", type.unit}});
  Json modules = Json::array();
  for (const HeapProfile::Mapping& mapping : profile.mappings)
    modules.push_back({{"path", mapping.path}, {"build_id", mapping.build_id}});
  return {{"format", "luna-profile"},
          {"version", 1},
          {"interval_bytes", profile.interval_bytes},
          {"began_ns", profile.began_ns},
          {"duration_ns", profile.duration_ns},
          {"comments", profile.comments},
          {"cut", profile.cut},
          {"types", types},
          {"shown", profile.types[view.amount].name},
          {"modules", modules}};
}

// Without the brackets around it.
[[nodiscard]] std::string frames_text(const HeapProfile& profile,
                                      const HeapProfile::Location& location) {
  const std::string list = text_of(json_of(profile, location));
  return list.substr(1, list.size() - 2);
}

}  // namespace

std::string stack_json(const HeapProfile& profile, const HeapProfile::Sample& sample) {
  std::string list;
  for (const std::uint32_t frame : profile.stack_of(sample)) {
    if (!list.empty()) list += ',';
    list += frames_text(profile, profile.locations[frame]);
  }
  return "[" + list + "]";
}

// Site by site, for a million of them would not fit as a whole.
void write_profile_json(const HeapProfile& profile, const ProfileView& view, std::ostream& out) {
  std::string head = text_of(head_of(profile, view));
  head.pop_back();
  out << head << ",\n\"sites\":[";
  std::vector<std::string> frames(profile.locations.size());
  for (std::size_t i = 0; i < frames.size(); ++i)
    frames[i] = frames_text(profile, profile.locations[i]);
  const char* separator = "\n";
  for (const std::uint32_t i : samples_by_amount(profile, view.amount)) {
    const HeapProfile::Sample& sample = profile.samples[i];
    Json values = Json::object();
    for (std::size_t type = 0; type < profile.types.size(); ++type)
      values[profile.types[type].name] = profile.value_of(i, type);
    Json labels = Json::object();
    for (const HeapProfile::Label& label : profile.label_sets[sample.labels])
      labels[label.key] = label.value;
    out << separator << "{\"values\":" << text_of(values) << ",\"labels\":" << text_of(labels)
        << ",\"frames\":[";
    separator = ",\n";
    const char* comma = "";
    for (const std::uint32_t frame : profile.stack_of(sample)) {
      out << comma << frames[frame];
      comma = ",";
    }
    out << "]}";
  }
  out << "\n]}\n";
}

}  // namespace luna::tool
