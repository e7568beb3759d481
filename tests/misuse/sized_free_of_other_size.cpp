// goes on, and expects: delete of another size of
// SPDX-License-Identifier: MIT
// C23's free_sized is told half of the size. Nothing to do where the library has no such function.
#include "mistake.hpp"

#include <dlfcn.h>

int main() {
  using Free = void(void*, std::size_t);
  auto* const free_sized = reinterpret_cast<Free*>(dlsym(RTLD_DEFAULT, "free_sized"));
  if (free_sized == nullptr) return 2;
  char* const block = mistake::block_of(1'000'000);
  free_sized(mistake::announce(block), mistake::opaque<std::size_t>(500'000));
  mistake::go_on_with(1'000'000);
  return 0;
}
