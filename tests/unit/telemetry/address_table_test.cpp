// SPDX-License-Identifier: MIT
#include "telemetry/address_table.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(AddressTable, NumbersAddressesInTheOrderInWhichTheyCome) {
  AddressTable table;
  ASSERT_TRUE(table.add(0x500));
  ASSERT_TRUE(table.add(0x100));
  ASSERT_TRUE(table.add(0x500));

  EXPECT_EQ(table.count(), 2U);
  EXPECT_EQ(table.number_of(0x500), 1U);
  EXPECT_EQ(table.number_of(0x100), 2U);
  EXPECT_EQ(table.number_of(0x200), 0U);
  EXPECT_EQ(table.address_of_number(2), 0x100U);
}

TEST(AddressTable, EmptyOneKnowsNothing) {
  const AddressTable table;

  EXPECT_EQ(table.count(), 0U);
  EXPECT_EQ(table.number_of(0), 0U);
  table.verify();
}

TEST(AddressTable, ZeroIsAnAddressToo) {
  AddressTable table;
  ASSERT_TRUE(table.add(0));

  EXPECT_EQ(table.number_of(0), 1U);
}

TEST(AddressTable, NumbersStayWhenItGrows) {
  AddressTable table;
  constexpr std::uintptr_t kCount = 100'000;
  for (std::uintptr_t i = 0; i < kCount; ++i) ASSERT_TRUE(table.add(0x7f0000000000 + 16 * i));

  EXPECT_EQ(table.count(), kCount);
  for (std::uintptr_t i = 0; i < kCount; ++i)
    ASSERT_EQ(table.number_of(0x7f0000000000 + 16 * i), i + 1);
  table.verify();
}

}  // namespace
}  // namespace luna
