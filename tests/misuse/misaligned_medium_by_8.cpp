// expects: misaligned pointer
// SPDX-License-Identifier: MIT
// A pointer 4104 bytes into a medium block, which no block can have as its start.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(100000);
  free(mistake::announce(block + 4104));
  return 0;
}
