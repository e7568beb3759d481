// expects: overflow: write at
// dies of: SIGSEGV
// SPDX-License-Identifier: MIT
// Writes some bytes behind a block.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(96, mistake::End::kLast);
  mistake::write_at(mistake::announce(block + 96 + 100));
  free(block);
  return 0;
}
