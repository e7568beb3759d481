// expects: double free
// SPDX-License-Identifier: MIT
// A small block freed twice with another between: the next slow path sees it.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  char* const other = mistake::block_of(48);
  free(block);
  free(other);
  free(mistake::announce(block));
  mistake::go_on_with(48);
  return 0;
}
