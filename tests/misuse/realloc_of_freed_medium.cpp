// expects: realloc of a freed block
// SPDX-License-Identifier: MIT
// A medium block resized after it was freed, seen at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(100000);
  free(block);
  return realloc(mistake::announce(block), 80000) == nullptr ? 0 : 3;
}
