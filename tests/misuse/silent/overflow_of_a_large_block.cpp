// SPDX-License-Identifier: MIT
// Behind the last page of a block of 1 MiB that lies among others, 16 bytes are written.
#include "mistake.hpp"

#include <malloc.h>

int main() {
  constexpr std::size_t kBytes = 1 << 20;
  char* blocks[8];
  for (char*& block : blocks) block = mistake::block_of(kBytes - 32);
  for (char* block : blocks)
    std::memset(mistake::announce(block) + malloc_usable_size(block), 'x', 16);
  for (char* block : blocks) free(block);
  mistake::go_on_with(kBytes - 32);
  return 0;
}
