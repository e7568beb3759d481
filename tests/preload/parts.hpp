// SPDX-License-Identifier: MIT
// A guest with several parts, of which the first argument names one.
#pragma once

#include "expect.hpp"

#include <cstdio>
#include <span>
#include <string_view>

struct Part {
  std::string_view name;
  void (*run)();
};

// False: none has this name.
[[nodiscard]] inline bool run_part(std::span<const Part> parts, std::string_view name) {
  for (const Part& part : parts) {
    if (part.name != name) continue;
    part.run();
    return true;
  }
  return false;
}

// What main() of such a guest does: runs the part on lunalloc, and says when it is through.
[[nodiscard]] inline int run_guest(std::span<const Part> parts, int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  if (!run_part(parts, arguments[1])) return 2;
  puts("done");
  return 0;
}
