// SPDX-License-Identifier: MIT
// The first word of a freed block is made to point to a variable, where lists are linked; the
// second block that is handed out then may be that variable.
#include "mistake.hpp"

int main() {
  alignas(16) static char target[4096];
  char* const first = mistake::block_of(48);
  char* const second = mistake::block_of(48);
  free(second);
  free(first);
  char* const aim = target + 1024;
  std::memcpy(mistake::announce(first), &aim, sizeof aim);
  for (int i = 0; i < 4; ++i)
    if (mistake::block_of(48) == aim) return 0;
  mistake::go_on_with(48);
  return mistake::kInVain;
}
