// SPDX-License-Identifier: MIT
#include "report_json.hpp"

#include "findings.hpp"
#include "flame_tree.hpp"
#include "json_values.hpp"
#include "map_json.hpp"
#include "packed_text.hpp"
#include "profile_view.hpp"
#include "site_table.hpp"
#include "timeline.hpp"

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <ostream>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostFindings = 3;
constexpr std::size_t kMostNodes = 12'000;
constexpr std::size_t kMostBuckets = 64;
constexpr std::size_t kMostHeaps = 200;

// What is larger is compressed.
constexpr std::size_t kPlainBytes = 64U << 10;

// The JSON of a structure that may lack the part.
[[nodiscard]] Json part_of(const Json& whole, const char* key) {
  if (!whole.is_object()) return nullptr;
  const auto found = whole.find(key);
  return found != whole.end() ? *found : Json(nullptr);
}

// The numbers of an object, by those keys.
[[nodiscard]] Json numbers_of(const Json& object, std::initializer_list<const char*> keys) {
  Json numbers = Json::object();
  for (const char* key : keys)
    if (const Json value = part_of(object, key); value.is_number()) numbers[key] = value;
  return numbers;
}

[[nodiscard]] Json resident_json(const Json& statistics) {
  if (!statistics.is_object()) return nullptr;
  Json parts =
      numbers_of(part_of(statistics, "resident"),
                 {"resident_slab_bytes", "resident_spare_bytes", "resident_large_bytes",
                  "resident_kept_bytes", "resident_dirty_bytes", "resident_retained_bytes",
                  "resident_metadata_bytes", "resident_telemetry_bytes", "resident_guarded_bytes"});
  return {{"parts", std::move(parts)},
          {"whole", numbers_of(part_of(statistics, "reconciliation"),
                               {"process_resident_bytes", "not_ours_bytes", "unaccounted_bytes",
                                "huge_page_bytes"})},
          {"totals", numbers_of(part_of(statistics, "totals"),
                                {"live_bytes", "live_blocks", "small_bytes", "large_bytes",
                                 "committed_bytes", "thread_cache_bytes", "slab_free_bytes",
                                 "slab_uncut_bytes", "dirty_bytes", "retained_bytes"})}};
}

[[nodiscard]] Json heaps_json(const Json& statistics) {
  const Json heaps = part_of(statistics, "heaps");
  if (!heaps.is_array()) return nullptr;
  Json rows = Json::array();
  for (const Json& heap : heaps) {
    if (rows.size() == kMostHeaps) break;
    Json row = numbers_of(heap, {"number", "used_bytes", "peak_bytes", "limit_bytes", "live_bytes",
                                 "live_blocks", "cached_bytes", "resident_bytes", "denied"});
    row["name"] = text_in(heap, "name");
    rows.push_back(std::move(row));
  }
  return {{"rows", std::move(rows)},
          {"left_out", heaps.size() - std::min(heaps.size(), kMostHeaps)}};
}

[[nodiscard]] Json findings_json(const ReportData& data) {
  Json list = Json::array();
  for (const Finding& one : find_most(data, kMostFindings))
    list.push_back({{"title", one.title},
                    {"text", one.text},
                    {"evidence", one.evidence},
                    {"section", one.section}});
  return list;
}

[[nodiscard]] Json flame_json(const ReportData& data) {
  const FlameTree tree =
      make_flame_tree(*data.profile, data.earlier ? &*data.earlier : nullptr, kMostNodes);
  Json types = Json::array();
  for (const FlameTree::Type& type : tree.types)
    types.push_back(
        {{"name", type.name}, {"title", type.title}, {"unit", type.unit}, {"column", type.column}});
  Json names = Json::array();
  for (const FlameTree::Name& name : tree.names) names.push_back({name.text, name.module});
  Json parents = Json::array();
  Json texts = Json::array();
  Json merged = Json::array();
  for (const FlameTree::Node& node : tree.nodes) {
    parents.push_back(node.parent);
    texts.push_back(node.name);
    merged.push_back(node.merged);
  }
  Json values = Json::array();
  for (std::size_t column = 0; column < tree.columns; ++column) {
    Json& list = values.emplace_back(Json::array());
    for (std::size_t node = 0; node < tree.nodes.size(); ++node)
      list.push_back(tree.values[node * tree.columns + column]);
  }
  return {{"types", std::move(types)},  {"earlier", tree.has_earlier},
          {"names", std::move(names)},  {"parents", std::move(parents)},
          {"texts", std::move(texts)},  {"merged", std::move(merged)},
          {"values", std::move(values)}};
}

[[nodiscard]] Json histogram_json(const HeapProfile::Histogram& histogram) {
  if (histogram.objects.empty() || histogram.bounds.size() > kMostBuckets) return nullptr;
  return {{"bounds", histogram.bounds}, {"objects", histogram.objects}};
}

[[nodiscard]] Json profile_json(const HeapProfile& profile) {
  Json totals = Json::object();
  for (std::size_t type = 0; type < profile.types.size(); ++type)
    totals[profile.types[type].name] = sum_of(profile, type);
  return {{"totals", std::move(totals)},
          {"samples", profile.samples.size()},
          {"interval_bytes", profile.interval_bytes},
          {"began_ns", profile.began_ns},
          {"duration_ns", profile.duration_ns},
          {"comments", profile.comments}};
}

[[nodiscard]] Json sources_json(const ReportData& data) {
  Json list = Json::array();
  for (const ReportSource& source : data.sources)
    list.push_back({{"name", source.name}, {"what", source.what}, {"cut", source.cut}});
  return list;
}

}  // namespace

Json report_json(const ReportData& data) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  FrameTable frames;
  Json report = {{"subject", data.subject},
                 {"made_ms", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()},
                 {"sources", sources_json(data)},
                 {"findings", findings_json(data)},
                 {"resident", resident_json(data.statistics)},
                 {"heaps", heaps_json(data.statistics)},
                 {"timeline", timeline_json(data)},
                 {"events", events_json(data)},
                 {"profile", nullptr},
                 {"flame", nullptr},
                 {"sites", nullptr},
                 {"sizes", nullptr},
                 {"lifetimes", nullptr},
                 {"leaks", nullptr},
                 {"map", map_json(data.map)}};
  if (data.profile) {
    report["profile"] = profile_json(*data.profile);
    report["flame"] = flame_json(data);
    report["sites"] = site_rows(*data.profile, frames);
    report["sizes"] = histogram_json(data.profile->sizes);
    report["lifetimes"] = histogram_json(data.profile->lifetimes);
  }
  if (data.leaks) report["leaks"] = leak_rows(*data.leaks, frames);
  report["frames"] = frames.rows();
  return report;
}

std::string json_for_html(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  // All of these stand within strings, in which an escape means the same.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<') {
      safe += "\\u003c";
    } else if (text.compare(i, 3, "\xE2\x80\xA8") == 0 || text.compare(i, 3, "\xE2\x80\xA9") == 0) {
      safe += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      safe += text[i];
    }
  }
  return safe;
}

void write_report(const ReportData& data, std::string_view page, std::ostream& out) {
  // In the page as it is built.
  constexpr std::string_view kPlace = "<!-- data -->";
  const std::size_t place = page.find(kPlace);
  std::string text = json_for_html(report_json(data));
  const bool is_packed = text.size() > kPlainBytes;
  if (is_packed) text = packed_text(text);
  out << page.substr(0, place) << "<script id=\"data\" type=\""
      << (is_packed ? "text/plain" : "application/json") << "\">" << text << "</script>"
      << page.substr(place + kPlace.size());
}

}  // namespace luna::tool
