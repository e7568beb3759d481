// SPDX-License-Identifier: MIT
// A secret is left in a block of 100 KB that is freed, and looked for in the next ones.
#include "mistake.hpp"

int main() {
  constexpr char kSecret[] = "correct horse battery staple";
  constexpr std::size_t kBytes = 100'000;
  char* const block = mistake::block_of(kBytes);
  std::memcpy(block + 50'000, kSecret, sizeof kSecret);
  free(mistake::opaque(block));
  for (int i = 0; i < 100; ++i) {
    const auto* const next = static_cast<char*>(malloc(mistake::opaque(kBytes)));
    if (std::memcmp(mistake::opaque(next) + 50'000, kSecret, sizeof kSecret) == 0) return 0;
  }
  return mistake::kInVain;
}
