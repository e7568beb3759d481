// expects: double free
// SPDX-License-Identifier: MIT
// A small block freed by its own thread, then by another one.
#include "mistake.hpp"

#include <thread>

int main() {
  char* const block = mistake::block_of(48);
  char* const other = mistake::block_of(48);
  free(block);
  free(other);
  char* const again = mistake::announce(block);
  std::thread([again] { free(again); }).join();
  mistake::go_on_with(480);  // not this size: what is handed out anew can no longer be told
  return 0;
}
