// SPDX-License-Identifier: MIT
#include "pressure/reserve.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace luna {
namespace {

constexpr std::size_t kMiB = 1 << 20;

class ReserveTest : public testing::Test {
 protected:
  [[nodiscard]] std::size_t used() { return allocator_->pages().totals().used; }

  std::unique_ptr<Allocator> allocator_ = std::make_unique<Allocator>();
  Reserve reserve_{*allocator_};
};

TEST_F(ReserveTest, WithoutASizeThereIsNothing) {
  EXPECT_FALSE(reserve_.is_missing());
  EXPECT_TRUE(reserve_.fill());
  EXPECT_FALSE(reserve_.give_up());
  EXPECT_EQ(used(), 0U);
}

TEST_F(ReserveTest, IsTakenOnceAndGivenUpOnce) {
  reserve_.set_size(kMiB + 1);
  EXPECT_TRUE(reserve_.is_missing());

  EXPECT_TRUE(reserve_.fill() && reserve_.fill());
  EXPECT_FALSE(reserve_.is_missing());
  EXPECT_EQ(used(), kMiB + kPageBytes);

  EXPECT_TRUE(reserve_.give_up());
  EXPECT_FALSE(reserve_.give_up());
  EXPECT_TRUE(reserve_.is_missing());
  EXPECT_EQ(used(), 0U);
}

TEST_F(ReserveTest, AnotherSizeGivesUpWhatIsThere) {
  reserve_.set_size(kMiB);
  EXPECT_TRUE(reserve_.fill());
  reserve_.set_size(kMiB);
  EXPECT_EQ(used(), kMiB);
  reserve_.set_size(0);
  EXPECT_EQ(used(), 0U);
}

TEST_F(ReserveTest, TheHardLimitCountsItAndMayRefuseIt) {
  allocator_->pages().set_hard_limit(4 * kMiB);
  reserve_.set_size(8 * kMiB);
  EXPECT_FALSE(reserve_.fill());
  EXPECT_TRUE(reserve_.is_missing());

  reserve_.set_size(3 * kMiB);
  EXPECT_TRUE(reserve_.fill());
  void* more = allocator_->pages().take(2 * kMiB / kPageBytes, 1, false);
  EXPECT_EQ(more, nullptr);
  EXPECT_TRUE(reserve_.give_up());
  more = allocator_->pages().take(2 * kMiB / kPageBytes, 1, false);
  ASSERT_NE(more, nullptr);
  allocator_->pages().put(more);
}

}  // namespace
}  // namespace luna
