// SPDX-License-Identifier: MIT
// A byte is written behind a small block that fills its slot; then both it and its neighbour go.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  char* const other = mistake::block_of(48);
  mistake::announce(block)[48] = 'x';
  free(block);
  free(other);
  mistake::go_on_with(48);
  return 0;
}
