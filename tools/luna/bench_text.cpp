// SPDX-License-Identifier: MIT
// The result of `luna bench` for people, and for programs.
#include "bench_result.hpp"
#include "printable.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iomanip>
#include <ostream>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kColumn = 11;

void write_row(const BenchResult& result, const BenchSubject& subject, const BenchMetric& metric,
               std::ostream& out) {
  const auto spread = spread_of(subject, metric);
  if (!spread) {
    out << std::setw(kColumn) << "-\n";
    return;
  }
  const auto number = [&](double value) { return number_text(value, metric.digits); };
  out << std::setw(kColumn) << number(spread->median) << std::setw(kColumn) << number(spread->least)
      << " .. " << std::left << std::setw(kColumn) << number(spread->most) << std::right
      << ratio_text(result, subject, metric) << '\n';
}

[[nodiscard]] Json json_of(const BenchSubject& subject, const BenchSubject& base) {
  Json runs = Json::array();
  for (const MeasuredRun& run : subject.runs) {
    Json entry = {{"problem", printable(run.problem)}};
    for (const BenchMetric& metric : kBenchMetrics) entry[metric.key] = metric.value(run);
    runs.push_back(std::move(entry));
  }
  Json figures = Json::object();
  for (const BenchMetric& metric : kBenchMetrics) {
    const auto spread = spread_of(subject, metric);
    const auto compared = spread_of(base, metric);
    if (!spread) continue;
    figures[metric.key] = {
        {"median", spread->median}, {"min", spread->least}, {"max", spread->most}};
    if (compared && compared->median > 0)
      figures[metric.key]["ratio"] = spread->median / compared->median;
  }
  return {{"name", printable(subject.name)},
          {"library", printable(subject.image)},
          {"left_out", printable(subject.left_out)},
          {"figures", std::move(figures)},
          {"runs", std::move(runs)}};
}

}  // namespace

void write_bench_text(const BenchResult& result, std::ostream& out) {
  std::size_t width = 0;
  for (const BenchSubject& subject : result.subjects) width = std::max(width, subject.name.size());
  out << printable(command_text(result.command)) << ": " << result.runs
      << (result.runs == 1 ? " run" : " runs") << " of each\n";
  for (const BenchMetric& metric : kBenchMetrics) {
    const std::string unit = metric.unit;
    out << '\n' << metric.title << (unit.empty() ? "" : ", " + unit) << '\n';
    out << std::string(width + 2, ' ') << std::setw(kColumn) << "median" << std::setw(kColumn)
        << "min"
        << " .. " << std::left << std::setw(kColumn) << "max" << std::right << "ratio\n";
    for (const BenchSubject& subject : result.subjects) {
      out << "  " << std::left << std::setw(static_cast<int>(width)) << printable(subject.name)
          << std::right;
      write_row(result, subject, metric, out);
    }
  }
  out << "\nratio: to the median of " << printable(result.subjects.front().name)
      << "; ~ where their ranges overlap\n";
  for (const std::string& remark : remarks_of(result)) out << "note: " << remark << '\n';
}

void write_bench_json(const BenchResult& result, std::ostream& out) {
  Json command = Json::array();
  for (const std::string& word : result.command) command.push_back(printable(word));
  Json subjects = Json::array();
  for (const BenchSubject& subject : result.subjects)
    subjects.push_back(json_of(subject, result.subjects.front()));
  const Json all = {{"command", std::move(command)},
                    {"runs", result.runs},
                    {"allocators", std::move(subjects)},
                    {"notes", remarks_of(result)}};
  out << all.dump(1) << '\n';
}

}  // namespace luna::tool
