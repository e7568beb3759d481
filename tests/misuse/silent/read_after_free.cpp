// SPDX-License-Identifier: MIT
// A freed block is read.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  free(block);
  return mistake::opaque(mistake::announce(block)[40]) == 'x' ? 1 : 0;
}
