// expects: double free
// SPDX-License-Identifier: MIT
// A block of 1.5 GiB freed twice: the second free sees it at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(1610612736);
  free(block);
  free(mistake::announce(block));
  return 0;
}
