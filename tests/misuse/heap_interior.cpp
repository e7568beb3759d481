// expects: free of interior pointer
// SPDX-License-Identifier: MIT
// The second half of a block of a heap of one's own is freed.
#include "named_heap.hpp"

int main() {
  luna_heap* const heap = mistake::heap_named("tenant");
  char* const block = mistake::block_of(heap, 96);
  free(mistake::announce(block + 48));
  return 0;
}
