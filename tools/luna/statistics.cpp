// SPDX-License-Identifier: MIT
#include "statistics.hpp"

#include "json_bounds.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace luna::tool {

namespace {

using nlohmann::json;

constexpr std::size_t kMostRows = 100'000;  // of a list

[[nodiscard]] std::optional<double> number_of(const json& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

[[nodiscard]] std::optional<std::uint64_t> count_in(const json& row, const char* key) {
  constexpr double kMost = 1e19;
  const auto found = row.find(key);
  const auto number = found == row.end() ? std::nullopt : number_of(*found);
  if (!number) return std::nullopt;
  return static_cast<std::uint64_t>(std::clamp(*number, 0.0, kMost));
}

[[nodiscard]] std::uint64_t amount_in(const json& row, const char* key) {
  return count_in(row, key).value_or(0);
}

void read_row(const json& row, std::vector<Statistics::SizeClass>& classes) {
  const auto fullness = row.find("fullness");
  classes.push_back({amount_in(row, "block_bytes"), amount_in(row, "used_blocks"),
                     amount_in(row, "free_blocks") + amount_in(row, "uncut_blocks"),
                     fullness == row.end() ? 0 : number_of(*fullness).value_or(0)});
}

void read_row(const json& row, std::vector<Statistics::Heap>& heaps) {
  const auto name = row.find("name");
  heaps.push_back({name != row.end() && name->is_string() ? name->get<std::string>() : "",
                   amount_in(row, "live_bytes"), amount_in(row, "cached_bytes"),
                   amount_in(row, "resident_bytes"), amount_in(row, "limit_bytes"),
                   amount_in(row, "denied")});
}

void read_row(const json& row, std::vector<Statistics::ThreadHeap>& threads) {
  threads.push_back(
      {count_in(row, "thread"), amount_in(row, "used_bytes"), amount_in(row, "cached_bytes")});
}

template <typename Row>
void read_list(const json& whole, const char* key, std::vector<Row>& rows) {
  const auto list = whole.find(key);
  if (list == whole.end() || !list->is_array()) return;
  for (const json& row : *list)
    if (row.is_object() && rows.size() < kMostRows) read_row(row, rows);
}

}  // namespace

std::optional<double> Statistics::find(std::string_view name) const {
  const auto found = figures.find(name);
  return found == figures.end() ? std::nullopt : found->second;
}

Statistics parse_statistics(const std::string& text) {
  JsonBounds bounds;
  const auto keep = [&](int depth, json::parse_event_t, const json&) {
    return bounds.allow(depth);
  };
  const json whole = json::parse(text, keep, false);
  const auto version = whole.find("lunalloc_statistics");
  if (!whole.is_object() || version == whole.end())
    throw NoStatistics(
        "the process answers what are no statistics; use the `luna` of its lunalloc");
  if (*version != 1)
    throw NoStatistics("the statistics have another version; use the `luna` of that lunalloc");
  Statistics result;
  for (const auto& group : whole) {
    if (!group.is_object()) continue;
    for (const auto& [name, value] : group.items())
      if ((value.is_number() || value.is_null()) && result.figures.size() < kMostRows)
        result.figures.emplace(name, number_of(value));
  }
  read_list(whole, "classes", result.classes);
  read_list(whole, "heaps", result.heaps);
  read_list(whole, "threads", result.threads);
  return result;
}

}  // namespace luna::tool
