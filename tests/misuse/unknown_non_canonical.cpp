// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer that no address space contains.
#include "mistake.hpp"

#include <cstdint>

int main() {
  free(mistake::announce(reinterpret_cast<void*>(std::uintptr_t{0xdeadbeefdeadbee0})));
  return 0;
}
