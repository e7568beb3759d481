// expects: double free
// SPDX-License-Identifier: MIT
// One of many small blocks of a thread freed twice, long after the first time.
#include "mistake.hpp"

int main() {
  constexpr std::size_t kBlocks = 3000;
  static char* row[kBlocks];
  for (char*& block : row) block = mistake::block_of(200);
  for (char* block : row) free(block);
  free(mistake::announce(row[kBlocks / 2]));
  mistake::go_on_with(200);
  return 0;
}
