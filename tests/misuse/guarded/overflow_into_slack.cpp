// expects: overflow: found when it was freed, a write at
// dies of: SIGABRT
// SPDX-License-Identifier: MIT
// Writes a byte behind a block that the guard is too far from, for malloc aligns blocks.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(29, mistake::End::kLast);
  mistake::write_at(mistake::announce(block + 29));
  free(block);
  return 0;
}
