// SPDX-License-Identifier: MIT
// Four blocks' length is written over behind a small block.
#include "mistake.hpp"

int main() {
  constexpr std::size_t kBlocks = 64;
  char* blocks[kBlocks];
  for (char*& block : blocks) block = mistake::block_of(48);
  std::memset(mistake::announce(blocks[0]) + 48, 'x', 4 * 48);
  for (char* block : blocks) free(block);
  mistake::go_on_with(48);
  return 0;
}
