// expects: overflow: read at
// dies of: SIGSEGV
// SPDX-License-Identifier: MIT
// Reads one byte behind a block.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(64, mistake::End::kLast);
  mistake::read_at(mistake::announce(block + 64));
  free(block);
  return 0;
}
