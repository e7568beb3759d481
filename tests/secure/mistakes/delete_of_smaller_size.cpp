// expects: delete of another size of
// SPDX-License-Identifier: MIT
// An object is deleted by the type of its base, without a virtual destructor.
#include "mistake.hpp"

#include <new>

int main() {
  void* const block = ::operator new(mistake::opaque<std::size_t>(96));
  ::operator delete(mistake::announce(block), mistake::opaque<std::size_t>(40));
  return 0;
}
