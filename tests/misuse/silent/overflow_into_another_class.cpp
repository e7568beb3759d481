// SPDX-License-Identifier: MIT
// From a small block on, 128 KiB are written over: blocks of other sizes lie there too.
#include "mistake.hpp"

int main() {
  constexpr std::size_t kBlocks = 512;
  static char* rows[4][kBlocks];
  for (std::size_t i = 0; i < kBlocks; ++i)
    for (std::size_t j = 0; j < 4; ++j) rows[j][i] = mistake::block_of(16 + 64 * j);
  std::memset(mistake::announce(rows[0][0]), 'x', 128 * 1024);
  for (std::size_t i = 0; i < kBlocks; ++i)
    for (auto& row : rows) free(row[i]);
  for (std::size_t j = 0; j < 4; ++j) mistake::go_on_with(16 + 64 * j);
  return 0;
}
