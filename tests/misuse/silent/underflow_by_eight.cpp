// SPDX-License-Identifier: MIT
// The word in front of a small block is written over, where others keep its size.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  std::memset(mistake::announce(block) - 8, 'x', 8);
  free(block);
  mistake::go_on_with(48);
  return 0;
}
