// SPDX-License-Identifier: MIT
// A secret is left in a block that is freed; the next blocks of that size are read before they are
// written. What counts is whether it is there.
#include "mistake.hpp"

namespace {

constexpr char kSecret[] = "correct horse battery staple";

[[nodiscard]] bool is_readable_again(std::size_t bytes) {
  char* const block = mistake::block_of(bytes);
  std::memcpy(block + 64, kSecret, sizeof kSecret);
  free(mistake::opaque(block));
  for (int i = 0; i < 1000; ++i) {
    const auto* const next = static_cast<char*>(malloc(mistake::opaque(bytes)));
    if (std::memcmp(mistake::opaque(next) + 64, kSecret, sizeof kSecret) == 0) return true;
  }
  return false;
}

}  // namespace

int main() { return is_readable_again(200) ? 0 : mistake::kInVain; }
