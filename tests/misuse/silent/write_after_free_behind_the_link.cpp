// SPDX-License-Identifier: MIT
// A freed block is written to in its middle, which no list of free blocks uses.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(200);
  free(block);
  std::memset(mistake::announce(block) + 100, 'x', 8);
  mistake::go_on_with(200);
  return 0;
}
