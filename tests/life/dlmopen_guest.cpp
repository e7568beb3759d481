// SPDX-License-Identifier: MIT
// The library once more, in a namespace of its own with a C library of its own: it serves there,
// and what is outside keeps its malloc. Closing it does not unload it.
//
// Usage: dlmopen_guest LIBRARY
#include "blocks.hpp"
#include "expect.hpp"

#include <dlfcn.h>

#include <cstdlib>

int main(int count, char** arguments) {
  EXPECT(count == 2);
  void* const outside = expect::opaque(malloc(1000));
  void* const library = dlmopen(LM_ID_NEWLM, arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) expect::print(STDERR_FILENO, "%s\n", dlerror());
  EXPECT(library != nullptr);
  auto* const take = reinterpret_cast<void* (*)(std::size_t)>(dlsym(library, "malloc"));
  auto* const put = reinterpret_cast<void (*)(void*)>(dlsym(library, "free"));
  EXPECT(take != nullptr && put != nullptr && take != &malloc);
  void* last = nullptr;
  for (std::size_t size = 1; size < 4 * blocks::kMiB; size += 1 + size / 50) {
    void* const block = take(size);
    EXPECT_FOR(size, block != nullptr);
    blocks::fill(block, size, 1);
    EXPECT_FOR(size, blocks::holds(block, size, 1));
    put(last);
    last = block;
    free(expect::opaque(malloc(size)));
  }
  EXPECT(dlclose(library) == 0);
  put(last);
  put(take(100));
  free(outside);
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
