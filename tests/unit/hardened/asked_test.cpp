// SPDX-License-Identifier: MIT
#include "hardened/heap/asked.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace luna::hardened {
namespace {

constexpr std::size_t kLeast = 9;

TEST(Asked, IsWhatTheProgramAskedFor) {
  for (std::size_t bytes = 0; bytes < 300'000; ++bytes)
    ASSERT_EQ(asked_of(with_end(bytes)), std::max(bytes, kLeast)) << bytes;
  const std::size_t most = PTRDIFF_MAX - kEndBytes - kPageBytes;
  EXPECT_EQ(asked_of(with_end(most)), most);
  EXPECT_EQ(with_end(most + 1), 0U);
}

TEST(Asked, NoBlockIsSmallerThanWhatIsProtected) {
  for (std::size_t bytes = 0; bytes < 1000; ++bytes)
    ASSERT_GE(block_bytes(size_class_of(with_end(bytes))),
              std::max(bytes + kEndBytes, kMinProtectedBytes));
}

}  // namespace
}  // namespace luna::hardened
