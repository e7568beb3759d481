// expects: misaligned pointer
// SPDX-License-Identifier: MIT
// A pointer 8 bytes into a large block, which no block can have as its start.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4000000);
  free(mistake::announce(block + 8));
  return 0;
}
