// expects: write after free of
// SPDX-License-Identifier: MIT
// A block of whole pages is written to after it was freed.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(100'000);
  free(block);
  mistake::announce(block)[50'000] = 'x';
  mistake::go_on_with(100'000);
  return 0;
}
