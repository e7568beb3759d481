// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer 16 bytes into a small block of the thread's own: seen when the thread gives
// its lists back.
#include "mistake.hpp"

#include <thread>

int main() {
  std::thread([] {
    char* const block = mistake::block_of(200);
    free(mistake::announce(block + 16));
  }).join();
  return 0;
}
