// SPDX-License-Identifier: MIT
// A static program, which no library can be preloaded into: says what it is told.
#include <unistd.h>

#include <cstddef>

int main() {
  char text[64];
  for (;;) {
    const ssize_t count = read(0, text, sizeof text);
    if (count <= 0 || write(1, text, static_cast<std::size_t>(count)) != count) return 0;
  }
}
