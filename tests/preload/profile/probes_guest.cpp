// SPDX-License-Identifier: MIT
// Allocates, resizes and frees a few blocks whose sizes the test knows.
#include "expect.hpp"

#include <cstdio>
#include <cstdlib>

int main() {
  for (int i = 0; i < 3; ++i) free(expect::opaque(malloc(12'345)));
  void* block = expect::opaque(malloc(300'001));
  void* behind = expect::opaque(malloc(300'002));  // in the way of growing
  block = expect::opaque(realloc(block, 900'001));
  block = expect::opaque(realloc(block, 50'000'001));
  free(block);
  free(behind);
  std::puts("done");
  return 0;
}
