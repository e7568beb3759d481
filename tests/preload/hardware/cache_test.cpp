// SPDX-License-Identifier: MIT
// The functions of lunalloc/cache.h as a program calls them, and prefetches of any address.
#include "expect.hpp"

#include <lunalloc/cache.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

void ranges_keep_their_contents() {
  std::vector<unsigned char> bytes(100'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i * 31);
  const std::vector<unsigned char> expected = bytes;
  EXPECT(luna_cache_write_back(bytes.data() + 1, bytes.size() - 2) == 0);
  EXPECT(luna_cache_flush(bytes.data() + 33, 7777) == 0);
  luna_fence_store();
  EXPECT(luna_cache_flush(bytes.data(), 0) == 0);
  EXPECT(bytes == expected);
  EXPECT(luna_cache_invalidate(bytes.data(), bytes.size()) == ENOTSUP);
  EXPECT(bytes == expected);
}

void copies_are_copies() {
  std::vector<unsigned char> from(10'001);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<unsigned char>(i * 31);
  std::vector<unsigned char> to(from.size() + 2, 'x');
  luna_copy_nontemporal(to.data() + 1, from.data(), from.size());
  luna_fence_store();
  EXPECT(std::memcmp(to.data() + 1, from.data(), from.size()) == 0);
  luna_zero_nontemporal(to.data() + 1, from.size());
  luna_fence_store();
  for (std::size_t i = 1; i <= from.size(); ++i) EXPECT_FOR(i, to[i] == 0);
  EXPECT(to.front() == 'x' && to.back() == 'x');
}

// Hints may not fault, even where nothing is or where only the kernel may look.
void prefetches_are_hints() {
  const std::uintptr_t addresses[] = {0, 1, 4096, std::uintptr_t{1} << 47, ~std::uintptr_t{0}};
  for (const std::uintptr_t address : addresses) {
    const auto* place = reinterpret_cast<const void*>(address);
    luna_prefetch_read(place);
    luna_prefetch_write(place);
    luna_prefetch_nontemporal(place);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  const std::size_t line = luna_cache_line_bytes();
  expect::print(1, "cache lines of %zu bytes\n", line);
  EXPECT(line >= 16 && (line & (line - 1)) == 0);
  EXPECT(luna_cache_line_bytes() == line);
  errno = 0;
  ranges_keep_their_contents();
  copies_are_copies();
  prefetches_are_hints();
  luna_fence_load();
  luna_fence_load_store();
  luna_fence_full();
  EXPECT(errno == 0);
  return 0;
}
