// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer to a local variable.
#include "mistake.hpp"

int main() {
  alignas(64) char local[256] = {};
  free(mistake::announce(&local[64]));
  return local[0];
}
