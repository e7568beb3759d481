// SPDX-License-Identifier: MIT
// The word in front of a small block is written over, where others keep its size. Of two blocks the
// one behind, so that something is in front of it.
#include "mistake.hpp"

#include <algorithm>

int main() {
  char* const one = mistake::block_of(48);
  char* const other = mistake::block_of(48);
  std::memset(mistake::announce(std::max(one, other)) - 8, 'x', 8);
  free(one);
  free(other);
  mistake::go_on_with(48);
  return 0;
}
