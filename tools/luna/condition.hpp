// SPDX-License-Identifier: MIT
// What `luna watch` waits for: conditions over the statistics of a process. docs/luna.md has how
// they are written.
#pragma once

#include "statistics.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace luna::tool {

// what() is a line that says what would be right.
struct BadCondition : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Condition {
  enum class Test : char {
    kAbove,
    kAtLeast,
    kBelow,
    kAtMost,
    kGrown,  // by `value` since the begin, or since it came true
    kShrunk
  };

  std::string text;  // as it was written
  std::string name;  // of the figure in /stats.json
  bool is_rate = false;
  bool is_percent = false;  // `value` of kGrown and kShrunk
  Test test = Test::kAbove;
  double value = 0;
};

// Throws BadCondition.
[[nodiscard]] Condition parse_condition(const std::string& text);

// Throws BadCondition where the statistics have no such figure, with the nearest that they have.
void check_name(const Condition& condition, const Statistics& statistics);

// Several conditions that have to hold at the same time.
class Trigger {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `lasting`: so long they have to hold at each look.
  Trigger(std::vector<Condition> conditions, std::chrono::duration<double> lasting);

  // Whether it comes true at this look. Again only after a look at which they did not hold, or at
  // which what has to grow has grown once more.
  [[nodiscard]] bool look(Time at, const Statistics& statistics);

  // "rss>2G: 2.1 GiB", of each.
  [[nodiscard]] std::string text() const;

 private:
  struct Watched {
    Condition condition;
    std::optional<double> figure;    // at the last look
    std::optional<double> compared;  // that, or its rate
    std::optional<double> begin;     // of growth
  };

  [[nodiscard]] static bool holds(const Watched& watched);
  void take(Watched& watched, double seconds, const Statistics& statistics) const;

  std::vector<Watched> watched_;
  std::chrono::duration<double> lasting_;
  std::optional<Time> last_look_;
  std::optional<Time> held_since_;
  bool has_come_true_ = false;
};

}  // namespace luna::tool
