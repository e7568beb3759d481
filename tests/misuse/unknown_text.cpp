// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A string literal given to free.
#include "mistake.hpp"

namespace {

alignas(64) const char text[64] = "never allocated";

}  // namespace

int main() {
  free(mistake::announce(text));
  return 0;
}
