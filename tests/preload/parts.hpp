// SPDX-License-Identifier: MIT
// A guest with several parts, of which the first argument names one.
#pragma once

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
