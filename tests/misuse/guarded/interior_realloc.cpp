// expects: realloc of interior pointer
// dies of: SIGABRT
// SPDX-License-Identifier: MIT
// Resizes a pointer into a block.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(64, mistake::End::kLast);
  free(realloc(mistake::announce(block + 16), 100));
  return 0;
}
