// SPDX-License-Identifier: MIT
#include "heap/size_class.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(SizeClass, EverySizeMapsToTheSmallestClassThatHoldsIt) {
  for (std::size_t bytes = 0; bytes <= kMaxSmallBytes; ++bytes) {
    const SizeClass size_class = size_class_of(bytes);
    ASSERT_GE(block_bytes(size_class), bytes);
    if (size_class > 0) {
      ASSERT_LT(block_bytes(static_cast<SizeClass>(size_class - 1)), bytes) << bytes;
    }
  }
}

TEST(SizeClass, ClassesGrowAndAreMultiplesOf16) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < kSizeClasses; ++i) {
    const std::size_t bytes = block_bytes(static_cast<SizeClass>(i));
    EXPECT_GT(bytes, last);
    EXPECT_EQ(bytes % kMinBlockBytes, 0U);
    last = bytes;
  }
  EXPECT_EQ(last, kMaxSmallBytes);
}

TEST(SizeClass, BlockOfAClassMapsToIt) {
  for (std::size_t i = 0; i < kSizeClasses; ++i)
    EXPECT_EQ(size_class_of(block_bytes(static_cast<SizeClass>(i))), i);
}

TEST(SizeClass, SmallestBlockHoldsALink) { EXPECT_GE(kMinBlockBytes, sizeof(void*)); }

TEST(SizeClass, BlockOfMoreThan128BytesWastesAtMostAnEighth) {
  for (std::size_t bytes = 129; bytes <= kMaxSmallBytes; ++bytes) {
    const std::size_t room = block_bytes(size_class_of(bytes));
    ASSERT_LE((room - bytes) * 8, room) << bytes;
  }
}

TEST(SizeClass, CapacityIsAsManyBlocksAsFit) {
  for (const SizeClassInfo& info : kSizeClassInfos) {
    EXPECT_LE(std::size_t{info.capacity} * info.block_bytes, kGranuleBytes);
    EXPECT_GT((std::size_t{info.capacity} + 1) * info.block_bytes, kGranuleBytes);
  }
}

TEST(SizeClass, ReciprocalDividesEveryOffsetExactly) {
  for (const SizeClassInfo& info : kSizeClassInfos) {
    for (std::size_t offset = 0; offset < kGranuleBytes; ++offset)
      ASSERT_EQ(offset * info.reciprocal >> 32, offset / info.block_bytes)
          << info.block_bytes << " at " << offset;
  }
}

TEST(AlignedSizeClass, IsTheSmallestThatHoldsAndAligns) {
  for (std::size_t alignment = 1; alignment <= 2 * kMaxSmallBytes; alignment *= 2) {
    for (std::size_t bytes = 0; bytes <= kMaxSmallBytes + 1; bytes += 7) {
      std::size_t expected = 0;
      while (expected < kSizeClasses && (kSizeClassInfos[expected].block_bytes < bytes ||
                                         kSizeClassInfos[expected].block_bytes % alignment != 0))
        ++expected;
      ASSERT_EQ(aligned_size_class(bytes, alignment), expected)
          << bytes << " aligned to " << alignment;
    }
  }
}

TEST(AlignedSizeClass, NoClassIsAlignedToMoreThanTheLargestBlock) {
  EXPECT_EQ(aligned_size_class(1, 2 * kMaxSmallBytes), kSizeClasses);
  EXPECT_EQ(aligned_size_class(1, std::size_t{1} << 40), kSizeClasses);
}

TEST(AlignedSizeClass, NothingLargeIsSmall) {
  EXPECT_EQ(aligned_size_class(kMaxSmallBytes + 1, 16), kSizeClasses);
  EXPECT_EQ(aligned_size_class(SIZE_MAX, 16), kSizeClasses);
}

}  // namespace
}  // namespace luna
