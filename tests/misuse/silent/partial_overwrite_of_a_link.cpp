// SPDX-License-Identifier: MIT
// The lowest byte of a freed block is written over, which moves what lists are linked by a little.
#include "mistake.hpp"

int main() {
  char* const first = mistake::block_of(48);
  char* const second = mistake::block_of(48);
  free(second);
  free(first);
  mistake::announce(first)[0] = static_cast<char>(0x48);
  mistake::go_on_with(48);
  return 0;
}
