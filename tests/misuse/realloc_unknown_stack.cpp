// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer to a local variable given to realloc.
#include "mistake.hpp"

int main() {
  alignas(64) char local[256] = {};
  return realloc(mistake::announce(&local[64]), 100) == nullptr ? local[0] : 3;
}
