// expects: double free
// SPDX-License-Identifier: MIT
// A small block freed twice by a thread that did not allocate it.
#include "mistake.hpp"

#include <thread>

int main() {
  char* const block = mistake::block_of(300);
  char* const again = mistake::announce(block);
  std::thread([block, again] {
    free(block);
    free(again);
  }).join();
  mistake::go_on_with(300);
  return 0;
}
