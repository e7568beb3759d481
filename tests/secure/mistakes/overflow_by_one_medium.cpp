// expects: overflow of
// SPDX-License-Identifier: MIT
// A byte is written behind a block of whole pages.
#include "mistake.hpp"

#include <malloc.h>

int main() {
  char* const block = mistake::block_of(100'000);
  mistake::announce(block)[malloc_usable_size(block)] = 'x';
  free(block);
  return 0;
}
