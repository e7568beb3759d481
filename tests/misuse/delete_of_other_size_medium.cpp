// goes on, and expects: delete of another size of
// SPDX-License-Identifier: MIT
// operator delete is told that a block of 100 KB is a small one.
#include "mistake.hpp"

#include <new>

int main() {
  void* const block = ::operator new(mistake::opaque<std::size_t>(100'000));
  ::operator delete(mistake::announce(block), mistake::opaque<std::size_t>(48));
  mistake::go_on_with(100'000);
  mistake::go_on_with(48);
  return 0;
}
