// expects: underflow: read at
// dies of: SIGSEGV
// SPDX-License-Identifier: MIT
// Reads the byte before a block.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(50, mistake::End::kFirst);
  mistake::read_at(mistake::announce(block - 1));
  free(block);
  return 0;
}
