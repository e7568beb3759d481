// SPDX-License-Identifier: MIT
#include "blackbox_command.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

// Other than null only if it is known.
[[nodiscard]] Json number(std::uint64_t value) {
  if (value == LUNA_BLACKBOX_UNKNOWN) return nullptr;
  if (value == LUNA_BLACKBOX_UNLIMITED) return "unlimited";
  return value;
}

[[nodiscard]] Json row_of(const Moment& moment) {
  return {{"sequence", moment.sequence},
          {"epoch_ns", moment.epoch_ns},
          {"monotonic_ns", moment.monotonic_ns}};
}

[[nodiscard]] std::string hex(std::uint64_t value) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (; value != 0 || text.empty(); value >>= 4) text.insert(text.begin(), kDigits[value & 15]);
  return "0x" + text;
}

[[nodiscard]] Json json_of(const BoxStatistics& statistics) {
  Json row = row_of(statistics.moment);
#define LUNA_BLACKBOX_MEMBER(name) row[#name] = number(statistics.numbers.name);
  LUNA_BLACKBOX_STATISTICS(LUNA_BLACKBOX_MEMBER)
#undef LUNA_BLACKBOX_MEMBER
  return row;
}

[[nodiscard]] Json json_of(const Event& event) {
  Json row = row_of(event.moment);
  row["kind"] = event.head.kind;
  row["level"] = event.head.level;
  row["source"] = event.source;
  row["used_bytes"] = number(event.head.used_bytes);
  row["limit_bytes"] = number(event.head.limit_bytes);
  row["thread"] = event.head.thread;
  row["text"] = event.text;
  return row;
}

[[nodiscard]] Json json_of(const Site& site) {
  Json frames = Json::array();
  for (const std::uint64_t frame : site.frames) frames.push_back(hex(frame));
  return {{"live_bytes", site.amounts.live_bytes},
          {"live_objects", site.amounts.live_objects},
          {"allocated_bytes", site.amounts.allocated_bytes},
          {"allocated_objects", site.amounts.allocated_objects},
          {"all_frames", site.amounts.all_frames},
          {"frames", frames}};
}

[[nodiscard]] Json json_of(const Module& module) {
  return {{"begin", hex(module.begin)},
          {"end", hex(module.end)},
          {"bias", hex(module.bias)},
          {"path", module.path},
          {"build_id", module.build_id}};
}

[[nodiscard]] Json json_of(const Sites& sites);

template <typename Rows>
[[nodiscard]] Json all_of(const Rows& rows) {
  Json all = Json::array();
  for (const auto& row : rows) all.push_back(json_of(row));
  return all;
}

Json json_of(const Sites& sites) {
  Json row = row_of(sites.moment);
  row["all_sites"] = sites.head.all_sites;
  row["all_live_bytes"] = sites.head.all_live_bytes;
  row["interval_bytes"] = sites.head.interval_bytes;
  row["dropped_samples"] = sites.head.dropped_samples;
  row["sites"] = all_of(sites.sites);
  row["modules"] = all_of(sites.modules);
  return row;
}

// Names of files need not be UTF-8.
[[nodiscard]] std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// A line each, for as one object those of a large box would take many times its size.
template <typename Rows>
void write_rows(const char* name, const Rows& rows, std::ostream& out) {
  out << ",\n\"" << name << "\": [";
  const char* separator = "\n";
  for (const auto& row : rows) {
    out << separator << text_of(json_of(row));
    separator = ",\n";
  }
  out << "]";
}

}  // namespace

void write_json(const BlackBox& box, std::ostream& out) {
  const Json all = {{"version", box.header.version},
                    {"program", box.program},
                    {"process", box.header.process},
                    {"host", box.host},
                    {"boot_id", box.boot_id},
                    {"lunalloc_version", box.lunalloc_version},
                    {"began_epoch_ns", box.header.began_epoch_ns},
                    {"began_monotonic_ns", box.header.began_ns},
                    {"page_bytes", box.header.page_bytes},
                    {"exited", box.has_exit()},
                    {"torn_records", box.torn},
                    {"missing_bytes", box.missing_bytes}};
  std::string head = text_of(all);
  head.pop_back();
  out << head;
  write_rows("statistics", box.statistics, out);
  write_rows("events", box.events, out);
  write_rows("sites", box.sites, out);
  out << "\n}\n";
}

}  // namespace luna::tool
