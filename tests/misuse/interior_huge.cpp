// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer 16 bytes into a huge block, seen at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(1610612736);
  free(mistake::announce(block + 16));
  return 0;
}
