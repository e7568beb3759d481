// expects: double free
// SPDX-License-Identifier: MIT
// A block of 4 MB freed twice: the second free sees it at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4000000);
  free(block);
  free(mistake::announce(block));
  return 0;
}
