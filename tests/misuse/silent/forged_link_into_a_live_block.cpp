// SPDX-License-Identifier: MIT
// The first word of a freed block is made to point to a block in use of the same size, which is
// handed out a second time then.
#include "mistake.hpp"

int main() {
  char* const victim = mistake::block_of(48);
  char* const first = mistake::block_of(48);
  char* const second = mistake::block_of(48);
  free(second);
  free(first);
  std::memcpy(mistake::announce(first), &victim, sizeof victim);
  for (int i = 0; i < 4; ++i)
    if (mistake::block_of(48) == victim) return 0;
  mistake::go_on_with(48);
  return mistake::kInVain;
}
