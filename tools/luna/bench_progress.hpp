// SPDX-License-Identifier: MIT
// Which run it is, and how long the rest will take, on stderr.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace luna::tool {

// On a terminal one line that changes, else a line for each run.
class BenchProgress {
 public:
  BenchProgress(std::size_t runs, bool is_quiet);
  ~BenchProgress();
  BenchProgress(const BenchProgress&) = delete;
  BenchProgress& operator=(const BenchProgress&) = delete;

  // Before a run.
  void begin(const std::string& name);
  // Runs that there will not be.
  void leave_out(std::size_t runs);

 private:
  using Clock = std::chrono::steady_clock;

  std::size_t all_;
  std::size_t begun_ = 0;
  bool is_quiet_;
  bool is_terminal_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace luna::tool
