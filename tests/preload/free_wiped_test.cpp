// SPDX-License-Identifier: MIT
// luna_free_wiped() leaves nothing of what was in a block, but for the link of a list of free
// blocks; and takes what every free takes.
#include "expect.hpp"
#include "find_function.hpp"

#include <malloc.h>

#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kLinkBytes = sizeof(void*);

// Blocks of up to 256 KiB stay mapped for a while.
void wipe_one(std::size_t bytes) {
  auto* const block = static_cast<volatile unsigned char*>(malloc(expect::opaque(bytes)));
  EXPECT(block != nullptr);
  const std::size_t room = malloc_usable_size(const_cast<unsigned char*>(block));
  for (std::size_t i = 0; i < room; ++i) block[i] = 0xa5;
  find<void(void*)>("luna_free_wiped")(const_cast<unsigned char*>(block));
  for (std::size_t i = kLinkBytes; i < room; ++i) EXPECT_FOR(bytes, block[i] == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  find<void(void*)>("luna_free_wiped")(nullptr);
  constexpr std::size_t kSizes[] = {1, 24, 48, 500, 4000, 16'000, 17'000, 100'000};
  for (const std::size_t bytes : kSizes) wipe_one(bytes);
  auto* const large = static_cast<char*>(malloc(expect::opaque(std::size_t{5'000'000})));
  std::memset(large, 1, 5'000'000);
  find<void(void*)>("luna_free_wiped")(large);
  void* aligned = nullptr;
  EXPECT(posix_memalign(&aligned, 4096, 4096) == 0);
  find<void(void*)>("luna_free_wiped")(aligned);
  return 0;
}
