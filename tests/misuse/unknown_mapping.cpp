// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer into a mapping that the program made itself.
#include "mistake.hpp"

#include <sys/mman.h>

int main() {
  void* const memory =
      mmap(nullptr, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  free(mistake::announce(static_cast<char*>(memory) + (4 << 20)));
  return 0;
}
