// SPDX-License-Identifier: MIT
// A block of 4 MB is written to after it was freed.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4'000'000);
  free(block);
  std::memset(mistake::announce(block), 'x', 4096);
  mistake::go_on_with(4'000'000);
  return 0;
}
