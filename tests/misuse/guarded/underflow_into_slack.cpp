// expects: underflow: found when it was freed, a write at
// dies of: SIGABRT
// SPDX-License-Identifier: MIT
// Writes the byte before a block that the guard is behind.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(29, mistake::End::kLast);
  mistake::write_at(mistake::announce(block - 1));
  free(block);
  return 0;
}
