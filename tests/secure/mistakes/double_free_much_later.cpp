// expects: double free of
// SPDX-License-Identifier: MIT
// A block is freed again when thousands of others were freed behind it, and none was asked for.
#include "mistake.hpp"

int main() {
  constexpr std::size_t kBlocks = 10'000;
  static char* blocks[kBlocks];
  char* const block = mistake::block_of(48);
  for (char*& other : blocks) other = mistake::block_of(48);
  free(block);
  for (char* other : blocks) free(other);
  free(mistake::announce(block));
  _exit(0);  // at once or never
}
