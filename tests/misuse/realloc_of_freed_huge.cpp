// expects: realloc of a freed block
// SPDX-License-Identifier: MIT
// A huge block resized after it was freed, seen at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(1610612736);
  free(block);
  return realloc(mistake::announce(block), 100) == nullptr ? 0 : 3;
}
