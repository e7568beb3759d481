// SPDX-License-Identifier: MIT
// Each of some blocks of 1 MiB is read behind its last page.
#include "mistake.hpp"

#include <malloc.h>

int main() {
  constexpr std::size_t kBytes = 1 << 20;
  char* blocks[8];
  for (char*& block : blocks) block = mistake::block_of(kBytes - 32);
  int sum = 0;
  for (char* block : blocks) sum += mistake::announce(block)[malloc_usable_size(block) + 16];
  return mistake::opaque(sum) == 12345 ? 1 : 0;
}
