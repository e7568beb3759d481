// SPDX-License-Identifier: MIT
#include "telemetry/block_sizes.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(BlockSizes, BoundIsTheLargestOfItsBucket) {
  EXPECT_EQ(size_bucket(0), 0U);
  EXPECT_EQ(size_bucket(1), 0U);
  for (std::size_t bucket = 0; bucket + 1 < kSizeBuckets; ++bucket) {
    EXPECT_EQ(size_bucket(size_bound(bucket)), bucket);
    EXPECT_EQ(size_bucket(size_bound(bucket) + 1), bucket + 1);
  }
}

TEST(BlockSizes, GoFrom16BytesTo64MiB) {
  EXPECT_EQ(size_bound(0), 16U);
  EXPECT_EQ(size_bound(kSizeBuckets - 2), 64U << 20);
  EXPECT_EQ(size_bucket(UINT64_MAX), kSizeBuckets - 1);
}

}  // namespace
}  // namespace luna
