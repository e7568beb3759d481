// expects: double free of
// SPDX-License-Identifier: MIT
// A block of a heap of one's own is freed twice in a row.
#include "named_heap.hpp"

int main() {
  luna_heap* const heap = mistake::heap_named("tenant");
  char* const block = mistake::block_of(heap, 48);
  free(block);
  free(mistake::announce(block));
  return 0;
}
