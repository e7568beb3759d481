// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer 8192 bytes into a medium block, seen at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(100000);
  free(mistake::announce(block + 8192));
  return 0;
}
