// SPDX-License-Identifier: MIT
#include "base/align.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(Align, ZeroIsNoPowerOfTwo) { EXPECT_FALSE(is_power_of_two(0)); }

TEST(Align, EverySingleBitIsAPowerOfTwo) {
  for (unsigned bit = 0; bit < 64; ++bit) EXPECT_TRUE(is_power_of_two(std::size_t{1} << bit));
}

TEST(Align, TwoBitsAreNoPowerOfTwo) {
  EXPECT_FALSE(is_power_of_two(3));
  EXPECT_FALSE(is_power_of_two(SIZE_MAX));
  EXPECT_FALSE(is_power_of_two((std::size_t{1} << 63) + 1));
}

TEST(Align, RoundingUpKeepsMultiples) {
  EXPECT_EQ(round_up(0, 16), 0U);
  EXPECT_EQ(round_up(16, 16), 16U);
  EXPECT_EQ(round_up(4096, 4096), 4096U);
}

TEST(Align, RoundingUpGoesToTheNextMultiple) {
  EXPECT_EQ(round_up(1, 16), 16U);
  EXPECT_EQ(round_up(17, 16), 32U);
  EXPECT_EQ(round_up(4097, 4096), 8192U);
}

TEST(Align, RoundingDownGoesToTheLastMultiple) {
  EXPECT_EQ(round_down(15, 16), 0U);
  EXPECT_EQ(round_down(16, 16), 16U);
  EXPECT_EQ(round_down(SIZE_MAX, 4096), SIZE_MAX - 4095);
}

TEST(Align, AddressIsThePointersValue) {
  EXPECT_EQ(address_of(nullptr), 0U);
  EXPECT_EQ(address_of(reinterpret_cast<const void*>(0x1234)), 0x1234U);
}

}  // namespace
}  // namespace luna
