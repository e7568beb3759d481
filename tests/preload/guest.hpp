// SPDX-License-Identifier: MIT
// What guests do whose process a test looks at from outside.
#pragma once

#include "expect.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace guest {

// The test looks at the process before it lets it go on.
inline void tell_and_wait(const char* what) {
  expect::print(STDOUT_FILENO, "%s\n", what);
  char line;
  EXPECT(read(STDIN_FILENO, &line, 1) == 1);
}

// All of its pages are backed.
[[nodiscard]] inline void* filled(std::size_t bytes) {
  void* block = expect::opaque(malloc(bytes));
  EXPECT(block != nullptr);
  memset(block, 1, bytes);
  return block;
}

}  // namespace guest
