// expects: double free
// SPDX-License-Identifier: MIT
// A small block freed by two threads one after another, neither of which allocated it.
#include "mistake.hpp"

#include <thread>

int main() {
  char* const block = mistake::block_of(300);
  char* const again = mistake::announce(block);
  std::thread([block] { free(block); }).join();
  std::thread([again] { free(again); }).join();
  mistake::go_on_with(300);
  return 0;
}
