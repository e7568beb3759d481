// expects: double free of
// SPDX-License-Identifier: MIT
// The thread that allocated a block frees it, and another does so at the same time.
#include "mistake.hpp"

#include <atomic>
#include <thread>

int main() {
  char* const block = mistake::announce(mistake::block_of(48));
  std::atomic<int> ready{0};
  std::thread other([&] {
    free(mistake::block_of(48));  // from now on it has all that a thread that frees has
    ++ready;
    while (ready != 2) continue;
    free(block);
  });
  while (ready != 1) continue;
  ++ready;
  free(block);
  other.join();
  _exit(0);  // at once or never
}
