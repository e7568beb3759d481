// expects: overflow of
// SPDX-License-Identifier: MIT
// A byte is written behind a small block, which another thread frees.
#include "mistake.hpp"

#include <malloc.h>

#include <thread>

int main() {
  char* const block = mistake::block_of(200);
  mistake::announce(block)[malloc_usable_size(block)] = 'x';
  std::thread([block] { free(block); }).join();
  return 0;
}
