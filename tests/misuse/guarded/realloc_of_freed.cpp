// expects: realloc of a freed block
// dies of: SIGABRT
// SPDX-License-Identifier: MIT
// Resizes a block that was freed.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(64, mistake::End::kFirst);
  free(block);
  free(realloc(mistake::announce(block), 100));
  return 0;
}
