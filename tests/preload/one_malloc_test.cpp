// SPDX-License-Identifier: MIT
// A program with one malloc has at most 160 KiB of anonymous memory, everything counted: stack,
// relocated data of libc and of the linker, and the library's own.
#include "expect.hpp"
#include "measure.hpp"

#include <cstdlib>

namespace {

constexpr std::size_t kAllowed = std::size_t{160} * 1024;

}  // namespace

int main() {
  auto* const block = static_cast<char*>(malloc(expect::opaque<std::size_t>(100)));
  EXPECT(block != nullptr);
  block[0] = 1;

  const std::size_t anonymous = measure::anonymous_bytes();
  expect::on_lunalloc();
  expect::print(STDOUT_FILENO, "%zu KiB anonymous\n", anonymous / 1024);
  EXPECT(anonymous <= kAllowed);
  free(block);
  return 0;
}
