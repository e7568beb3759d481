// SPDX-License-Identifier: MIT
// A byte is written behind all of the room that a small block has, and the block is freed.
#include "mistake.hpp"

#include <malloc.h>

int main() {
  char* const block = mistake::block_of(48);
  char* const other = mistake::block_of(48);
  mistake::announce(block)[malloc_usable_size(block)] = 'x';
  free(block);
  free(other);
  mistake::go_on_with(48);
  return 0;
}
