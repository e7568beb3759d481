// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer at a low address where nothing is.
#include "mistake.hpp"

#include <cstdint>

int main() {
  free(mistake::announce(reinterpret_cast<void*>(std::uintptr_t{0x123450})));
  return 0;
}
