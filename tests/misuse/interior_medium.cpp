// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer 16 bytes into a medium block: seen when the thread gives its lists back.
#include "mistake.hpp"

#include <thread>

int main() {
  std::thread([] {
    char* const block = mistake::block_of(100000);
    free(mistake::announce(block + 16));
  }).join();
  return 0;
}
