// expects: misaligned pointer
// SPDX-License-Identifier: MIT
// A pointer 8 bytes into a small block of another thread.
#include "mistake.hpp"

#include <thread>

int main() {
  char* const block = mistake::block_of(48);
  char* const inside = mistake::announce(block + 8);
  std::thread([inside] { free(inside); }).join();
  return 0;
}
