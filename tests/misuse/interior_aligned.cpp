// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer into a block with a large alignment, seen at once.
#include "mistake.hpp"

int main() {
  auto* const block = static_cast<char*>(aligned_alloc(65536, 200000));
  free(mistake::announce(block + 65536));
  return 0;
}
