// expects: double free
// SPDX-License-Identifier: MIT
// A large block given back by realloc(block, 0), then freed: the second free sees it at once.
#include "mistake.hpp"

int main() {
  char* const block = mistake::block_of(4000000);
  if (realloc(block, mistake::opaque<std::size_t>(0)) != nullptr) return 2;
  free(mistake::announce(block));
  return 0;
}
