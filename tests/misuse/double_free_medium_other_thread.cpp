// expects: double free
// SPDX-License-Identifier: MIT
// A medium block freed by its own thread, then by another one: seen at once.
#include "mistake.hpp"

#include <thread>

int main() {
  char* const block = mistake::block_of(100000);
  free(block);
  char* const again = mistake::announce(block);
  std::thread([again] { free(again); }).join();
  return 0;
}
