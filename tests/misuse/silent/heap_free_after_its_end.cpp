// SPDX-License-Identifier: MIT
// A block of a heap is freed after luna_heap_destroy(), which took all of its blocks.
#include "named_heap.hpp"

int main() {
  luna_heap* const heap = mistake::heap_named("tenant");
  char* const block = mistake::block_of(heap, 48);
  if (mistake::function_of<decltype(luna_heap_destroy)>("luna_heap_destroy")(heap) != 0) return 2;
  free(mistake::announce(block));
  return 0;
}
