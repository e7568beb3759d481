// expects: delete of another size of
// SPDX-License-Identifier: MIT
// operator delete is told that an aligned block is smaller than it is.
#include "mistake.hpp"

#include <new>

int main() {
  constexpr std::align_val_t kLine{64};
  void* const block = ::operator new(mistake::opaque<std::size_t>(640), kLine);
  ::operator delete(mistake::announce(block), mistake::opaque<std::size_t>(64), kLine);
  return 0;
}
