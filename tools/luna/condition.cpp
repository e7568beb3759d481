// SPDX-License-Identifier: MIT
#include "condition.hpp"

#include "byte_text.hpp"
#include "printable.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string_view>
#include <utility>

namespace luna::tool {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kShortNames = {
    {{"rss", "process_resident_bytes"}, {"live", "live_bytes"}, {"committed", "committed_bytes"}}};

constexpr std::array<std::pair<std::string_view, Condition::Test>, 6> kTests = {
    {{">=", Condition::Test::kAtLeast},  // before those that it begins with
     {"<=", Condition::Test::kAtMost},
     {">", Condition::Test::kAbove},
     {"<", Condition::Test::kBelow},
     {"+", Condition::Test::kGrown},
     {"-", Condition::Test::kShrunk}}};

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw BadCondition("--when " + printable(text) + ": " + why);
}

[[nodiscard]] bool is_growth(const Condition& condition) {
  return condition.test == Condition::Test::kGrown || condition.test == Condition::Test::kShrunk;
}

// A name, and all that stands behind it.
[[nodiscard]] std::string_view take_name(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), [](char letter) {
    return letter == '_' || std::isalnum(static_cast<unsigned char>(letter)) != 0;
  });
  const auto length = static_cast<std::size_t>(end - rest.begin());
  const std::string_view name = rest.substr(0, length);
  rest.remove_prefix(length);
  return name;
}

[[nodiscard]] bool take(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return false;
  rest.remove_prefix(word.size());
  return true;
}

// Nothing: it is no unit.
[[nodiscard]] std::optional<double> unit_of(std::string_view unit) {
  constexpr std::string_view kLetters = "KMGT";
  if (unit.empty() || unit == "B") return 1;
  const std::size_t power =
      kLetters.find(static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0]))));
  const std::string_view rest = unit.substr(1);
  if (power == kLetters.npos || (!rest.empty() && rest != "iB" && rest != "B")) return std::nullopt;
  return std::pow(1024, power + 1);
}

[[nodiscard]] std::string_view without_spaces(std::string_view text, std::string& room) {
  for (const char letter : text)
    if (letter != ' ') room += letter;
  return room;
}

void take_value(std::string_view rest, Condition& condition) {
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), condition.value);
  const bool is_read = read.ec == std::errc() && std::isfinite(condition.value);
  rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
  if (!is_read || condition.value < 0)
    refuse(condition.text, "a number has to follow, as in rss>2G or live+10%");
  if (rest == "%") {
    condition.is_percent = true;
    if (is_growth(condition)) return;
    if (!condition.name.ends_with("_ratio"))
      refuse(condition.text, "of what? % is for growth, as in live+10%, and for ratios");
    condition.value /= 100;
    return;
  }
  const std::optional<double> unit = unit_of(rest);
  if (!unit) refuse(condition.text, "the units are B, K, M, G, T and %, as in rss>2G or live+10%");
  condition.value *= *unit;
}

// Of steps from one to the other: letters that are added, removed or changed.
[[nodiscard]] std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t k = 0; k < to.size(); ++k) {
      const std::size_t changed = diagonal + (from[i] == to[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({changed, row[k] + 1, row[k + 1] + 1});
    }
  }
  return row.back();
}

[[nodiscard]] std::string figure_text(const Condition& condition, double figure) {
  constexpr double kMost = 1e19;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", figure);
  const bool is_bytes = condition.name.ends_with("_bytes");
  const std::string bytes =
      byte_text(static_cast<std::uint64_t>(std::min(std::abs(figure), kMost)));
  const std::string amount = is_bytes ? (figure < 0 ? "-" + bytes : bytes) : text.data();
  return amount + (condition.is_rate ? "/s" : "");
}

}  // namespace

Condition parse_condition(const std::string& text) {
  Condition condition;
  condition.text = text;
  std::string room;
  std::string_view rest = without_spaces(text, room);
  condition.name = take_name(rest);
  if (condition.name.empty())
    refuse(text, "it has to begin with the name of a figure, as in rss>2G");
  for (const auto& [name, figure] : kShortNames)
    if (condition.name == name) condition.name = figure;
  condition.is_rate = take(rest, "/s");
  const auto test = std::find_if(kTests.begin(), kTests.end(),
                                 [&](const auto& one) { return take(rest, one.first); });
  if (test == kTests.end())
    refuse(text, "behind the name come >, >=, <, <= or +, as in rss>2G, live/s>1M or live+10%");
  condition.test = test->second;
  if (condition.is_rate && is_growth(condition))
    refuse(text, "growth is of a figure, not of its rate; try " + condition.name + "/s>1M");
  take_value(rest, condition);
  return condition;
}

void check_name(const Condition& condition, const Statistics& statistics) {
  if (statistics.figures.contains(condition.name)) return;
  constexpr std::size_t kLongest = 64;
  const std::string_view wrong = std::string_view(condition.name).substr(0, kLongest);
  std::string nearest = "rss";
  std::size_t least = distance(wrong, nearest);
  const auto look_at = [&](std::string_view name) {
    const std::size_t steps = distance(wrong, name.substr(0, kLongest));
    if (steps >= least) return;
    least = steps;
    nearest = name;
  };
  for (const auto& [name, figure] : kShortNames) look_at(name);
  for (const auto& [name, figure] : statistics.figures) look_at(name);
  refuse(condition.text, "the statistics have no " + condition.name + "; did you mean " +
                             printable(nearest) + "? `luna stats PID --format json` has them all");
}

Trigger::Trigger(std::vector<Condition> conditions, std::chrono::duration<double> lasting)
    : lasting_(lasting) {
  for (Condition& condition : conditions) watched_.push_back({std::move(condition), {}, {}, {}});
}

bool Trigger::look(Time at, const Statistics& statistics) {
  const double seconds = last_look_ ? std::chrono::duration<double>(at - *last_look_).count() : 0;
  last_look_ = at;
  for (Watched& watched : watched_) take(watched, seconds, statistics);
  if (!std::all_of(watched_.begin(), watched_.end(), holds)) {
    held_since_.reset();
    has_come_true_ = false;
    return false;
  }
  if (!held_since_) held_since_ = at;
  if (has_come_true_ || at - *held_since_ < lasting_) return false;
  has_come_true_ = true;
  for (Watched& watched : watched_) watched.begin = watched.figure;
  return true;
}

void Trigger::take(Watched& watched, double seconds, const Statistics& statistics) const {
  const std::optional<double> now = statistics.find(watched.condition.name);
  watched.compared = now;
  if (watched.condition.is_rate) {
    watched.compared.reset();
    if (now && watched.figure && seconds > 0) watched.compared = (*now - *watched.figure) / seconds;
  }
  watched.figure = now;
  if (!watched.begin) watched.begin = now;
}

bool Trigger::holds(const Watched& watched) {
  if (!watched.compared || !watched.begin) return false;
  const Condition& condition = watched.condition;
  const double figure = *watched.compared;
  const double step =
      condition.is_percent ? std::abs(*watched.begin) * condition.value / 100 : condition.value;
  switch (condition.test) {
    case Condition::Test::kAbove:
      return figure > condition.value;
    case Condition::Test::kAtLeast:
      return figure >= condition.value;
    case Condition::Test::kBelow:
      return figure < condition.value;
    case Condition::Test::kAtMost:
      return figure <= condition.value;
    case Condition::Test::kGrown:
      return figure - *watched.begin >= step;
    case Condition::Test::kShrunk:
      return *watched.begin - figure >= step;
  }
  return false;
}

std::string Trigger::text() const {
  std::string text;
  for (const Watched& watched : watched_)
    text += (text.empty() ? "" : ", ") + watched.condition.text + ": " +
            figure_text(watched.condition, watched.compared.value_or(0));
  return printable(text);
}

}  // namespace luna::tool
