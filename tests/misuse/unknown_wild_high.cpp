// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer at an address where nothing is.
#include "mistake.hpp"

#include <cstdint>

int main() {
  free(mistake::announce(reinterpret_cast<void*>(std::uintptr_t{0x7edcba987650})));
  return 0;
}
