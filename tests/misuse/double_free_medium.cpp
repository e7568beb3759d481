// expects: double free
// SPDX-License-Identifier: MIT
// A block of about 100 KiB freed twice: the second free sees it at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(100000);
  free(block);
  free(mistake::announce(block));
  return 0;
}
