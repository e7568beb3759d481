// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer into a large block given to realloc, seen at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4000000);
  return realloc(mistake::announce(block + 4096), 100) == nullptr ? 0 : 3;
}
