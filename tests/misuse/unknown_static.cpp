// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer to static data.
#include "mistake.hpp"

namespace {

alignas(4096) char data[8192];

}  // namespace

int main() {
  free(mistake::announce(&data[4096]));
  return 0;
}
