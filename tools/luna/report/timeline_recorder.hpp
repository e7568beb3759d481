// SPDX-License-Identifier: MIT
// Writes down what a process says of its memory, again and again.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <vector>

namespace luna::tool {

// Costs the process little: the longer an answer takes, the longer it waits; and of the moments of
// a long time every other is forgotten when they are many.
class TimelineRecorder {
 public:
  using Clock = std::chrono::steady_clock;

  // When to ask next, and what came then: statistics as JSON, after so long.
  [[nodiscard]] Clock::time_point next() const noexcept { return next_; }
  void add(const nlohmann::ordered_json& statistics, Clock::duration took);

  [[nodiscard]] double seconds() const;  // since the begin

  // {"format": "lunalloc timeline", "version": 1, "columns": [...], "rows": [[seconds, bytes,
  // ...]]}
  [[nodiscard]] nlohmann::ordered_json json() const;

 private:
  Clock::time_point begin_ = Clock::now();
  Clock::time_point next_ = begin_;
  std::chrono::milliseconds step_{50};
  std::vector<nlohmann::ordered_json> rows_;
};

}  // namespace luna::tool
