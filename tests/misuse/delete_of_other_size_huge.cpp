// goes on, and expects: delete of another size of
// SPDX-License-Identifier: MIT
// operator delete is told that a block of 4 MB is half a megabyte longer than it is.
#include "mistake.hpp"

#include <new>

int main() {
  void* const block = ::operator new(mistake::opaque<std::size_t>(4'000'000));
  ::operator delete(mistake::announce(block), mistake::opaque<std::size_t>(4'500'000));
  mistake::go_on_with(4'000'000);
  return 0;
}
