// expects: double free
// SPDX-License-Identifier: MIT
// A block with a large alignment freed twice: the second free sees it at once.
#include "mistake.hpp"

int main() {
  void* const block = mistake::opaque(aligned_alloc(65536, 200000));
  free(block);
  free(mistake::announce(block));
  return 0;
}
