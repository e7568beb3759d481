// SPDX-License-Identifier: MIT
// A block is freed by the name of a heap that it is not of. It goes back to its own.
#include "named_heap.hpp"

int main() {
  luna_heap* const heap = mistake::heap_named("tenant");
  luna_heap* const other = mistake::heap_named("other");
  char* const block = mistake::block_of(heap, 48);
  auto* const free_of = mistake::function_of<decltype(luna_heap_free)>("luna_heap_free");
  free_of(other, mistake::announce(block));
  static_cast<void>(mistake::block_of(other, 48));
  return 0;
}
