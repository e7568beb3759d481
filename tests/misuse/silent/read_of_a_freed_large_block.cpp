// SPDX-License-Identifier: MIT
// A block of 4 MB is read after it was freed.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4'000'000);
  free(block);
  return mistake::opaque(mistake::announce(block)[40]) == 'x' ? 1 : 0;
}
