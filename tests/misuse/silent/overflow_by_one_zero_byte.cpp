// SPDX-License-Identifier: MIT
// A zero is written behind all of the room that a block has, as by strcpy into what is too short by
// one.
#include "mistake.hpp"

#include <malloc.h>

int main() {
  char* const block = mistake::block_of(1032);
  char* const other = mistake::block_of(1032);
  mistake::announce(block)[malloc_usable_size(block)] = 0;
  free(other);
  free(block);
  mistake::go_on_with(1032);
  return 0;
}
