// SPDX-License-Identifier: MIT
#include "bench_result.hpp"

#include "printable.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace luna::tool {

bool BenchResult::is_whole() const {
  return std::all_of(subjects.begin(), subjects.end(), [](const BenchSubject& subject) {
    return subject.left_out.empty() &&
           std::all_of(subject.runs.begin(), subject.runs.end(),
                       [](const MeasuredRun& run) { return run.problem.empty(); });
  });
}

std::optional<Spread> spread_of(const BenchSubject& subject, const BenchMetric& metric) {
  std::vector<double> values;
  for (const MeasuredRun& run : subject.runs)
    if (run.problem.empty()) values.push_back(metric.value(run));
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const bool is_odd = values.size() % 2 == 1;
  const double median = is_odd ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return Spread{median, values.front(), values.back()};
}

std::string ratio_text(const BenchResult& result, const BenchSubject& subject,
                       const BenchMetric& metric) {
  const BenchSubject& first = result.subjects.front();
  const auto one = spread_of(subject, metric);
  const auto base = spread_of(first, metric);
  if (!one || !base || base->median <= 0) return "-";
  const bool is_apart = one->most < base->least || one->least > base->most;
  return number_text(one->median / base->median, 2) + (is_apart || &subject == &first ? "" : "~");
}

std::string number_text(double value, int digits) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string command_text(const std::vector<std::string>& command) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  std::string text;
  for (const std::string& word : command) {
    if (!text.empty()) text += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char letter : word) text += letter == '\'' ? "'\\''" : std::string(1, letter);
    text += '\'';
  }
  return text;
}

std::vector<std::string> remarks_of(const BenchResult& result) {
  std::vector<std::string> remarks;
  for (const BenchSubject& subject : result.subjects) {
    if (!subject.left_out.empty())
      remarks.push_back(subject.name + " is left out: " + subject.left_out);
    std::map<std::string, std::size_t> problems;
    for (const MeasuredRun& run : subject.runs)
      if (!run.problem.empty()) ++problems[run.problem];
    for (const auto& [problem, count] : problems)
      remarks.push_back(subject.name + ": " + std::to_string(count) + " of " +
                        std::to_string(subject.runs.size()) + " runs do not count: " + problem);
  }
  remarks.insert(remarks.end(), result.notes.begin(), result.notes.end());
  for (std::string& remark : remarks) remark = printable(remark);
  return remarks;
}

}  // namespace luna::tool
