// SPDX-License-Identifier: MIT
// arguments: what every scenario understands, and how it prints its result.
//
// A scenario prints one line of JSON with a checksum that depends on the seed
// only: not on addresses, scheduling or the allocator. compare.py takes a
// checksum that differs between allocators for corrupted memory. Lines after it may
// hold figures, which differ from run to run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace bench {

struct Arguments {
  bool smoke = false;      // run a few hundredths of the normal size
  bool long_form = false;  // run a form that is too long for a table, for scenarios that have one
  unsigned threads = 2;    // workers, for scenarios that have some

  // Returns `full`, or `full / divisor` (at least 1) in a smoke run.
  [[nodiscard]] std::size_t scaled(std::size_t full, std::size_t divisor = 50) const {
    return smoke ? std::max<std::size_t>(full / divisor, 1) : full;
  }
};

// One worker a processor, but at least two: a scenario about threads needs them.
inline unsigned default_threads() {
  return std::clamp(std::thread::hardware_concurrency(), 2U, 16U);
}

// Ends the program with status 2 on arguments it does not know.
inline Arguments parse_arguments(int count, char** values) {
  Arguments arguments;
  arguments.threads = default_threads();
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(values[i], "--smoke") == 0) {
      arguments.smoke = true;
    } else if (std::strcmp(values[i], "--long") == 0) {
      arguments.long_form = true;
    } else if (std::strcmp(values[i], "--threads") == 0 && i + 1 < count) {
      arguments.threads =
          static_cast<unsigned>(std::clamp(std::strtol(values[++i], nullptr, 10), 1L, 1024L));
    } else {
      std::fprintf(stderr, "usage: %s [--smoke] [--long] [--threads N]\n", values[0]);
      std::exit(2);
    }
  }
  return arguments;
}

inline int print_result(const char* scenario, std::uint64_t checksum) {
  std::printf("{\"scenario\": \"%s\", \"checksum\": %llu}\n", scenario,
              static_cast<unsigned long long>(checksum));
  return 0;
}

}  // namespace bench
