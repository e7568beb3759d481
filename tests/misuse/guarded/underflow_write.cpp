// expects: underflow: write at
// dies of: SIGSEGV
// SPDX-License-Identifier: MIT
// Writes before a block.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(4096, mistake::End::kFirst);
  mistake::write_at(mistake::announce(block - 8));
  free(block);
  return 0;
}
