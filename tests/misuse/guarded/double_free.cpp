// expects: double free of
// dies of: SIGABRT
// SPDX-License-Identifier: MIT
// Frees a block twice, with others between.
#include "guarded.hpp"

int main() {
  char* const block = mistake::guarded_block(48, mistake::End::kLast);
  free(block);
  for (int i = 0; i < 10; ++i) free(mistake::block_of(48));
  free(mistake::announce(block));
  return 0;
}
