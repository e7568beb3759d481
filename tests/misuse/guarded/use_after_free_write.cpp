// expects: use after free: write at
// dies of: SIGSEGV
// SPDX-License-Identifier: MIT
// Writes to a block that was freed, twice.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(1000, mistake::End::kFirst);
  free(block);
  mistake::write_at(mistake::announce(block));
  mistake::write_at(block);
  return 0;
}
