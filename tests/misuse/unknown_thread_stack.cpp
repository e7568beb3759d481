// expects: unknown pointer
// SPDX-License-Identifier: MIT
// A pointer to a local variable of another thread than the first.
#include "mistake.hpp"

#include <thread>

int main() {
  std::thread([] {
    alignas(64) char local[256] = {};
    free(mistake::announce(&local[64]));
  }).join();
  return 0;
}
