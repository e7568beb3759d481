// SPDX-License-Identifier: MIT
#include "timeline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostMoments = 2000;
constexpr std::size_t kMostEvents = 500;
constexpr double kNanosecondsPerSecond = 1e9;

struct Series {
  std::string_view name;
  std::string_view title;
  std::uint64_t luna_blackbox_statistics::*member;
};

constexpr std::array<Series, 7> kSeries = {{
    {"resident_bytes", "Resident", &luna_blackbox_statistics::resident_bytes},
    {"committed_bytes", "Committed by the heap", &luna_blackbox_statistics::committed_bytes},
    {"live_bytes", "Live", &luna_blackbox_statistics::live_bytes},
    {"dirty_bytes", "Free, not yet given back", &luna_blackbox_statistics::dirty_bytes},
    {"swapped_bytes", "Swapped", &luna_blackbox_statistics::swapped_bytes},
    {"cgroup_bytes", "Used in the cgroup", &luna_blackbox_statistics::cgroup_bytes},
    {"cgroup_limit_bytes", "Limit of the cgroup", &luna_blackbox_statistics::cgroup_limit_bytes},
}};

struct Row {
  double seconds = 0;
  std::array<Json, kSeries.size()> values;  // null: not known
};

// Of neighbours, that with the most resident, so that no peak is lost.
[[nodiscard]] std::vector<Row> thinned(std::vector<Row> rows) {
  if (rows.size() <= kMostMoments) return rows;
  const std::size_t step = (rows.size() + kMostMoments - 1) / kMostMoments;
  const auto resident = [](const Row& row) {
    return row.values[0].is_number() ? row.values[0].get<double>() : 0;
  };
  std::vector<Row> result;
  for (std::size_t i = 0; i < rows.size(); i += step) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(i + step, rows.size()));
    result.push_back(*std::max_element(begin, end, [&](const Row& one, const Row& other) {
      return resident(one) < resident(other);
    }));
  }
  return result;
}

[[nodiscard]] double seconds_since(std::uint64_t begin, std::uint64_t now) {
  return (static_cast<double>(now) - static_cast<double>(begin)) / kNanosecondsPerSecond;
}

[[nodiscard]] std::vector<Row> rows_of(const BlackBox& box) {
  std::vector<Row> rows;
  for (const BoxStatistics& record : box.statistics) {
    Row& row = rows.emplace_back();
    row.seconds = seconds_since(box.header.began_ns, record.moment.monotonic_ns);
    for (std::size_t i = 0; i < kSeries.size(); ++i) {
      const std::uint64_t value = record.numbers.*kSeries[i].member;
      const bool is_amount = value != LUNA_BLACKBOX_UNKNOWN && value != LUNA_BLACKBOX_UNLIMITED;
      row.values[i] = is_amount ? Json(value) : Json(nullptr);
    }
  }
  return rows;
}

// By the names of the columns; other columns are not shown.
[[nodiscard]] std::vector<Row> rows_of(const Json& timeline) {
  const auto columns = timeline.find("columns");
  const auto moments = timeline.find("rows");
  std::vector<Row> rows;
  if (columns == timeline.end() || !columns->is_array()) return rows;
  if (moments == timeline.end() || !moments->is_array()) return rows;
  for (const Json& moment : *moments) {
    if (!moment.is_array() || moment.empty() || !moment[0].is_number()) continue;
    Row& row = rows.emplace_back();
    row.seconds = moment[0].get<double>();
    for (std::size_t i = 0; i < std::min(columns->size(), moment.size()); ++i)
      for (std::size_t j = 0; j < kSeries.size(); ++j)
        if ((*columns)[i] == kSeries[j].name && moment[i].is_number()) row.values[j] = moment[i];
  }
  return rows;
}

}  // namespace

Json timeline_json(const ReportData& data) {
  std::vector<Row> rows;
  if (data.timeline.is_object()) rows = rows_of(data.timeline);
  // One moment is no line.
  if (rows.size() < 2 && data.box) rows = rows_of(*data.box);
  if (rows.size() < 2) return nullptr;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& one, const Row& other) { return one.seconds < other.seconds; });
  rows = thinned(std::move(rows));
  Json seconds = Json::array();
  for (const Row& row : rows) seconds.push_back(row.seconds);
  Json series = Json::array();
  for (std::size_t i = 0; i < kSeries.size(); ++i) {
    Json values = Json::array();
    bool is_known = false;
    for (const Row& row : rows) {
      values.push_back(row.values[i]);
      is_known = is_known || (row.values[i].is_number() && row.values[i] != 0);
    }
    if (is_known)
      series.push_back(
          {{"name", kSeries[i].name}, {"title", kSeries[i].title}, {"values", std::move(values)}});
  }
  return {{"seconds", std::move(seconds)}, {"series", std::move(series)}};
}

Json events_json(const ReportData& data) {
  if (!data.box) return nullptr;
  Json rows = Json::array();
  const std::size_t left_out =
      data.box->events.size() - std::min(data.box->events.size(), kMostEvents);
  for (std::size_t i = left_out; i < data.box->events.size(); ++i) {
    const Event& event = data.box->events[i];
    const auto amount = [](std::uint64_t value) {
      const bool is_one = value != LUNA_BLACKBOX_UNKNOWN && value != LUNA_BLACKBOX_UNLIMITED;
      return is_one ? Json(value) : Json(nullptr);
    };
    rows.push_back(
        {{"seconds", seconds_since(data.box->header.began_ns, event.moment.monotonic_ns)},
         {"epoch_ms", event.moment.epoch_ns / 1'000'000},
         {"kind", name_of_event(event.head.kind)},
         {"level", name_of_level(event.head.level)},
         {"source", event.source},
         {"text", event.text},
         {"used_bytes", amount(event.head.used_bytes)},
         {"limit_bytes", amount(event.head.limit_bytes)}});
  }
  return {{"rows", std::move(rows)},
          {"left_out", left_out},
          {"has_exit", data.box->has_exit()},
          {"program", data.box->program},
          {"process", data.box->header.process}};
}

}  // namespace luna::tool
