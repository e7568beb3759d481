// SPDX-License-Identifier: MIT
// line: one line of the micro table, and the clock that measures it.
//
// A theme (pairs, batches, …) is a file that hands out its lines; micro_bench.cpp
// decides how many rounds each one runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace bench {

struct Sample {
  double ns;
  std::size_t operations;  // of all threads together, as is `ns`
};

struct Line {
  const char* name;
  Sample (*run)(const Line& line, std::size_t rounds);
  std::size_t bytes = 0;
  std::size_t alignment = 0;
};

std::span<const Line> pair_lines();
std::span<const Line> batch_lines();
std::span<const Line> churn_lines();
std::span<const Line> thread_lines();
std::span<const Line> realloc_lines();
std::span<const Line> calloc_lines();
std::span<const Line> aligned_lines();

// Returns how long `work` took, which consists of so many operations.
template <typename Work>
Sample timed(std::size_t operations, Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  return {elapsed.count(), operations};
}

// Ends the program unless the allocator did its work: refusing is fast, and must not win.
inline void demand(bool done, const Line& line, const char* problem) {
  if (done) return;
  std::fprintf(stderr, "error: %s: %s\n", line.name, problem);
  std::exit(1);
}

}  // namespace bench
