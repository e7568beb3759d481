// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer 2097152 bytes into a large block, seen at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4000000);
  free(mistake::announce(block + 2097152));
  return 0;
}
