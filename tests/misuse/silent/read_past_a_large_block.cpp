// SPDX-License-Identifier: MIT
// Each of some blocks of 1 MiB is read behind its last page, wherever its allocator lets it end.
#include "mistake.hpp"

#include <malloc.h>

#include <cstdint>

namespace {

constexpr std::size_t kPage = 4096;

// The first byte of the first page that has none of the block.
[[nodiscard]] const char* behind(const char* block) {
  const std::size_t end =
      reinterpret_cast<std::uintptr_t>(block) + malloc_usable_size(const_cast<char*>(block));
  return block + (end + kPage - 1) / kPage * kPage - reinterpret_cast<std::uintptr_t>(block);
}

}  // namespace

int main() {
  constexpr std::size_t kBytes = 1 << 20;
  char* blocks[8];
  for (char*& block : blocks) block = mistake::block_of(kBytes - 32);
  int sum = 0;
  for (char* block : blocks) sum += *behind(mistake::announce(block));
  return mistake::opaque(sum) == 12345 ? 1 : 0;
}
