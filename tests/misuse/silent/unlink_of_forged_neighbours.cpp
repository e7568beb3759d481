// SPDX-License-Identifier: MIT
// Behind a block of 1 KiB a header is forged, of a free neighbour with two links: who keeps headers
// and joins free neighbours takes it out of a list, and writes where the links say.
#include "mistake.hpp"

int main() {
  static std::size_t target[8];
  char* const first = mistake::block_of(1032);
  char* const second = mistake::block_of(1032);
  char* const third = mistake::block_of(1032);
  const std::size_t header[] = {0, 0x411, reinterpret_cast<std::size_t>(target),
                                reinterpret_cast<std::size_t>(target + 4)};
  std::memcpy(mistake::announce(first) + 1024, header, sizeof header);
  free(first);
  free(third);
  free(second);
  const bool is_written = target[0] != 0 || target[3] != 0 || target[6] != 0 || target[7] != 0;
  if (mistake::opaque(is_written)) return 0;
  mistake::go_on_with(1032);
  return mistake::kInVain;
}
