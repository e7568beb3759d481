// expects: use after free: read at
// dies of: SIGSEGV
// SPDX-License-Identifier: MIT
// Reads a block that was freed.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(48, mistake::End::kLast);
  free(block);
  mistake::read_at(mistake::announce(block + 5));
  return 0;
}
