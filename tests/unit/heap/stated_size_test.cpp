// SPDX-License-Identifier: MIT
// Sizes that a program may state when it frees a block: all that are right, and few others.
#include "support/one_thread.hpp"
#include "support/profiled.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cstddef>

namespace luna {
namespace {

using test::OneThread;
using test::Random;

[[nodiscard]] bool allows(const SizeRange& sizes, std::size_t bytes) {
  return sizes.least <= bytes && bytes <= sizes.most;
}

TEST(StatedSize, TheSizeAskedForIsAlwaysRight) {
  OneThread fixture;
  for (std::size_t bytes = 0; bytes < std::size_t{40} << 20; bytes += 1 + bytes / 7) {
    void* block = fixture.thread.allocate(bytes);

    EXPECT_TRUE(allows(fixture.allocator.sizes_of(block), bytes)) << bytes;

    fixture.thread.deallocate(block);
  }
}

TEST(StatedSize, SoIsThatOfTheLastRealloc) {
  OneThread fixture;
  Random random(7);
  void* block = fixture.thread.allocate(100'000);
  for (int i = 0; i < 2000; ++i) {
    const std::size_t bytes = std::size_t{1} << random.below(23);
    const std::size_t size = bytes + random.below(bytes);
    block = fixture.thread.reallocate(block, size);

    EXPECT_TRUE(allows(fixture.allocator.sizes_of(block), size)) << size;
  }
  fixture.thread.deallocate(block);
}

TEST(StatedSize, ASmallBlockHasNoMoreThanItsClass) {
  OneThread fixture;
  void* block = fixture.thread.allocate(48);

  EXPECT_FALSE(allows(fixture.allocator.sizes_of(block), 2000));

  fixture.thread.deallocate(block);
}

TEST(StatedSize, PagesAreKnownToASixteenth) {
  OneThread fixture;
  for (const std::size_t bytes : {100'000U, 1'000'000U, 4'000'000U}) {
    void* block = fixture.thread.allocate(bytes);
    const SizeRange sizes = fixture.allocator.sizes_of(block);

    EXPECT_FALSE(allows(sizes, bytes + kPageBytes)) << bytes;
    EXPECT_FALSE(allows(sizes, bytes - bytes / 8)) << bytes;

    fixture.thread.deallocate(block);
  }
}

TEST(StatedSize, WhatIsNoBlockMayHaveAny) {
  OneThread fixture;
  auto* block = static_cast<std::byte*>(fixture.thread.allocate(4'000'000));
  const int local = 0;

  EXPECT_TRUE(allows(fixture.allocator.sizes_of(&local), SIZE_MAX));
  EXPECT_TRUE(allows(fixture.allocator.sizes_of(block + kPageBytes), 1));
  fixture.thread.deallocate(block);
}

TEST(StatedSize, OfASampleTheRequestIsKnown) {
  test::Profiled fixture;
  void* block = fixture.thread.allocate(41);
  std::uint64_t bytes = 0;

  EXPECT_TRUE(fixture.allocator.is_sample(block));
  EXPECT_TRUE(fixture.profiler.find_requested_bytes(block, bytes));
  EXPECT_EQ(bytes, 41U);

  fixture.thread.deallocate(block);
  EXPECT_FALSE(fixture.profiler.find_requested_bytes(block, bytes));
}

}  // namespace
}  // namespace luna
