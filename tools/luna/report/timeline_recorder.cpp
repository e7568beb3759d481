// SPDX-License-Identifier: MIT
#include "timeline_recorder.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostRows = 1000;
constexpr int kPatience = 20;  // so many times as long as an answer takes until the next question

struct Column {
  const char* name;
  const char* group;  // in the statistics
  const char* key;
};

constexpr std::array<Column, 4> kColumns = {{
    {"resident_bytes", "reconciliation", "process_resident_bytes"},
    {"committed_bytes", "totals", "committed_bytes"},
    {"live_bytes", "totals", "live_bytes"},
    {"dirty_bytes", "totals", "dirty_bytes"},
}};

[[nodiscard]] Json value_of(const Json& statistics, const Column& column) {
  const auto group = statistics.find(column.group);
  if (group == statistics.end() || !group->is_object()) return nullptr;
  const auto value = group->find(column.key);
  return value != group->end() && value->is_number() ? *value : Json(nullptr);
}

}  // namespace

double TimelineRecorder::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begin_).count();
}

void TimelineRecorder::add(const Json& statistics, Clock::duration took) {
  next_ = Clock::now() + std::max<Clock::duration>(step_, took * kPatience);
  if (!statistics.is_object()) return;
  Json row = Json::array({seconds()});
  for (const Column& column : kColumns) row.push_back(value_of(statistics, column));
  rows_.push_back(std::move(row));
  if (rows_.size() < kMostRows) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows_.size(); i += 2) rows_[kept++] = std::move(rows_[i]);
  rows_.resize(kept);
  step_ *= 2;
}

Json TimelineRecorder::json() const {
  Json columns = Json::array({"seconds"});
  for (const Column& column : kColumns) columns.push_back(column.name);
  return {{"format", "lunalloc timeline"}, {"version", 1}, {"columns", columns}, {"rows", rows_}};
}

}  // namespace luna::tool
