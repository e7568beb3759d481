// expects: realloc of a freed block
// SPDX-License-Identifier: MIT
// A large block resized after it was freed, seen at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4000000);
  free(block);
  return realloc(mistake::announce(block), 5000000) == nullptr ? 0 : 3;
}
