// SPDX-License-Identifier: MIT
// operator delete is told that a small block is far larger than it is.
#include "mistake.hpp"

#include <new>

int main() {
  void* const block = ::operator new(mistake::opaque<std::size_t>(48));
  ::operator delete(mistake::announce(block), mistake::opaque<std::size_t>(2000));
  mistake::go_on_with(48);
  mistake::go_on_with(2000);
  return 0;
}
