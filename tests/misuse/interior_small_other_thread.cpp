// expects: interior pointer
// SPDX-License-Identifier: MIT
// A pointer 16 bytes into a small block of another thread, seen at once.
#include "mistake.hpp"

#include <thread>

int main() {
  char* const block = mistake::block_of(200);
  char* const inside = mistake::announce(block + 16);
  std::thread([inside] { free(inside); }).join();
  return 0;
}
