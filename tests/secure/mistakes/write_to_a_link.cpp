// expects: corruption at
// SPDX-License-Identifier: MIT
// Links of free blocks are made to lead to a place of the writer's choice: blocks that have left
// the quarantine, of which the link is all that is not zero. A link that another block had is none
// here.
#include "mistake.hpp"

#include <cstdint>

int main() {
  constexpr std::size_t kBlocks = 2000;
  static char* blocks[kBlocks];
  for (char*& block : blocks) block = mistake::block_of(48);
  for (char* block : blocks) free(block);
  for (char* block : blocks) {
    std::uint64_t link;
    std::memcpy(&link, block, sizeof link);
    if (link == 0) continue;  // in the quarantine yet
    link ^= 0x100;            // in a plain list, the block beside the one that it leads to
    std::memcpy(block, &link, sizeof link);
  }
  for (char*& block : blocks) block = mistake::block_of(48);
  return 0;
}
