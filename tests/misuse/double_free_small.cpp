// expects: double free
// SPDX-License-Identifier: MIT
// A small block freed twice in a row: the second free sees it.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  free(block);
  free(mistake::announce(block));
  return 0;
}
