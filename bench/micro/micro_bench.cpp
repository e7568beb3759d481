// SPDX-License-Identifier: MIT
// micro_bench: how long does one operation take? Prints `name nanoseconds` a line.
//
//   micro_bench [--smoke] [--list] [LINE…]    LINE: a name, or a pattern as in the shell
//
// compare.py starts it once for each line, so that no line meets the heap that
// another left behind. Preload a library to measure it.
#include "line.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace {

using bench::Line;
using bench::Sample;

// A sample lasts long enough for what an allocator does now and then to be in it. Lines
// are measured for 40 ms: a pass over all takes some seconds, and rounds do the rest.
constexpr double kSampleNs = 10e6;
constexpr double kLineNs = 40e6;
constexpr double kMostGrowth = 100;

struct Arguments {
  bool smoke = false;
  bool list = false;
  std::span<char*> patterns;
};

double per_operation(const Sample& sample) {
  return sample.ns / static_cast<double>(std::max<std::size_t>(sample.operations, 1));
}

// Returns nanoseconds per operation: the best sample. How many rounds a sample has is
// found by the clock; the attempts at it warm the allocator up. One round that already
// takes longer than the whole line should is the result.
double measure(const Line& line) {
  std::size_t rounds = 1;
  Sample sample = line.run(line, rounds);
  double spent_ns = sample.ns;
  while (sample.ns < kSampleNs) {
    const double growth = 1.2 * kSampleNs / std::max(sample.ns, 1.0);
    rounds =
        1 + static_cast<std::size_t>(static_cast<double>(rounds) * std::min(growth, kMostGrowth));
    sample = line.run(line, rounds);
    spent_ns += sample.ns;
  }
  double best = per_operation(sample);
  while (spent_ns < kLineNs) {
    sample = line.run(line, rounds);
    spent_ns += sample.ns;
    best = std::min(best, per_operation(sample));
  }
  return best;
}

bool wanted(const Line& line, const Arguments& arguments) {
  return arguments.patterns.empty() ||
         std::any_of(arguments.patterns.begin(), arguments.patterns.end(),
                     [&](const char* pattern) { return fnmatch(pattern, line.name, 0) == 0; });
}

void show(const Line& line, const Arguments& arguments) {
  if (arguments.list) {
    std::puts(line.name);
    return;
  }
  const double ns = arguments.smoke ? per_operation(line.run(line, 1)) : measure(line);
  std::printf("%s %.3f\n", line.name, ns);
  std::fflush(stdout);
}

// Ends the program with status 2 on an option it does not know.
Arguments parse(int count, char** values) {
  Arguments arguments;
  int index = 1;
  for (; index < count && values[index][0] == '-'; ++index) {
    if (std::strcmp(values[index], "--smoke") == 0) {
      arguments.smoke = true;
    } else if (std::strcmp(values[index], "--list") == 0) {
      arguments.list = true;
    } else {
      std::fprintf(stderr, "usage: %s [--smoke] [--list] [LINE...]\n", values[0]);
      std::exit(2);
    }
  }
  arguments.patterns = {values + index, values + count};
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  const std::array themes = {bench::pair_lines(),   bench::batch_lines(),   bench::churn_lines(),
                             bench::thread_lines(), bench::realloc_lines(), bench::calloc_lines(),
                             bench::aligned_lines()};
  bool any = false;
  for (const std::span<const Line> theme : themes) {
    for (const Line& line : theme) {
      if (!wanted(line, arguments)) continue;
      any = true;
      show(line, arguments);
    }
  }
  if (!any) std::fprintf(stderr, "error: no line of that name; --list shows them all\n");
  return any ? 0 : 1;
}
