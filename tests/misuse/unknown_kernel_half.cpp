// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer in the half of the kernel.
#include "mistake.hpp"

#include <cstdint>

int main() {
  free(mistake::announce(reinterpret_cast<void*>(std::uintptr_t{0xffffffff81000000})));
  return 0;
}
