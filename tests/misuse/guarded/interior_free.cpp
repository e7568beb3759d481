// expects: free of interior pointer
// dies of: SIGABRT
// SPDX-License-Identifier: MIT
// Frees a pointer into a block.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(64, mistake::End::kLast);
  free(mistake::announce(block + 16));
  return 0;
}
