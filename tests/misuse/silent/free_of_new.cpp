// SPDX-License-Identifier: MIT
// What operator new made is freed, which is wrong and does no harm where both are one allocator.
#include "mistake.hpp"

#include <new>

int main() {
  free(mistake::announce(::operator new(mistake::opaque<std::size_t>(48))));
  mistake::go_on_with(48);
  return 0;
}
