// expects: overflow of
// SPDX-License-Identifier: MIT
// A text that is one byte too long, in a block that then grows.
#include "mistake.hpp"

#include <malloc.h>

int main() {
  char* const block = mistake::block_of(24);
  const std::size_t room = malloc_usable_size(block);
  std::memset(mistake::announce(block), 'x', room + 1);
  return realloc(block, 10 * room) == nullptr ? 1 : 0;
}
