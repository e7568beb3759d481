// expects: double free of
// SPDX-License-Identifier: MIT
// Two threads free the same block at the same time.
#include "mistake.hpp"

#include <atomic>
#include <thread>

int main() {
  char* const block = mistake::announce(mistake::block_of(48));
  std::atomic<int> ready{0};
  const auto free_it = [&] {
    ++ready;
    while (ready != 2) continue;
    free(block);
  };
  std::thread one(free_it);
  std::thread other(free_it);
  one.join();
  other.join();
  _exit(0);  // at once or never
}
