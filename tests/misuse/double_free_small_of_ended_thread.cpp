// expects: double free
// SPDX-License-Identifier: MIT
// A small block of a thread that has ended, freed twice.
#include "mistake.hpp"

#include <thread>

int main() {
  char* block = nullptr;
  std::thread([&block] { block = mistake::block_of(48); }).join();
  free(block);
  free(mistake::announce(block));
  mistake::go_on_with(48);
  return 0;
}
