// expects: double free
// SPDX-License-Identifier: MIT
// An object deleted twice in a row.
#include "mistake.hpp"

int main() {
  auto* const object = mistake::opaque(new long[10]);
  void* const again = object;
  delete[] object;
  ::operator delete[](mistake::announce(again));
  return 0;
}
