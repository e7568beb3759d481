// SPDX-License-Identifier: MIT
// The first word of a freed block is written over, where lists are linked.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  free(block);
  std::memset(mistake::announce(block), 'x', 8);
  mistake::go_on_with(48);
  return 0;
}
