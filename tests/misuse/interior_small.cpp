// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer 16 bytes into a small block of the thread's own: the next slow path sees it.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(200);
  free(mistake::announce(block + 16));
  mistake::go_on_with(200);
  return 0;
}
