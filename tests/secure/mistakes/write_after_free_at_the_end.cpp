// expects: write after free of
// SPDX-License-Identifier: MIT
// A byte far behind the start of a freed block is written over, where no list is linked.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(500);
  free(block);
  mistake::announce(block)[300] = 'x';
  mistake::go_on_with(500);
  return 0;
}
