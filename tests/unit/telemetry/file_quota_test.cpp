// SPDX-License-Identifier: MIT
#include "telemetry/file_quota.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(FileQuota, IsWithoutBoundsAtFirst) {
  FileQuota quota;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(quota.take());
}

TEST(FileQuota, EndsWithTheFiles) {
  FileQuota quota;
  quota.set(2, 1000);
  EXPECT_TRUE(quota.take());
  EXPECT_TRUE(quota.take());
  EXPECT_FALSE(quota.take());
  EXPECT_TRUE(quota.tells());
  EXPECT_FALSE(quota.take());
  EXPECT_FALSE(quota.tells());
}

TEST(FileQuota, EndsWithTheBytes) {
  FileQuota quota;
  quota.set(10, 1000);
  quota.note_bytes(999);
  EXPECT_TRUE(quota.take());
  quota.note_bytes(1);
  EXPECT_FALSE(quota.take());
}

TEST(FileQuota, IsNewInTheChildOfAFork) {
  FileQuota quota;
  quota.set(1, 1000);
  EXPECT_TRUE(quota.take());
  quota.note_bytes(2000);
  EXPECT_TRUE(quota.tells());
  quota.resume_child();
  EXPECT_TRUE(quota.take());
  EXPECT_FALSE(quota.take());
  EXPECT_TRUE(quota.tells());
}

TEST(FileQuota, MayGrow) {
  FileQuota quota;
  quota.set(1, 1000);
  EXPECT_TRUE(quota.take());
  EXPECT_FALSE(quota.take());
  EXPECT_TRUE(quota.tells());
  quota.set(2, 1000);
  EXPECT_TRUE(quota.take());
  EXPECT_FALSE(quota.take());
  EXPECT_TRUE(quota.tells());
}

TEST(FileQuota, MayBeNothing) {
  FileQuota quota;
  quota.set(0, 1000);
  EXPECT_FALSE(quota.take());
}

}  // namespace
}  // namespace luna
