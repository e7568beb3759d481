// expects: double free of
// SPDX-License-Identifier: MIT
// A small block is made larger after it was freed, and another block got its place.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(48);
  free(block);
  char* const other = mistake::block_of(200);
  char* const moved = static_cast<char*>(realloc(mistake::announce(block), 300));
  if (moved == nullptr) return 2;
  free(moved);
  free(other);
  mistake::go_on_with(48);
  return 0;
}
