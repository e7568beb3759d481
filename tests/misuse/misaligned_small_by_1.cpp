// expects: misaligned pointer
// SPDX-License-Identifier: MIT
// A pointer 1 bytes into a small block, which no block can have as its start.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  free(mistake::announce(block + 1));
  return 0;
}
