// SPDX-License-Identifier: MIT
#include "telemetry/dwarf_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>

namespace luna {
namespace {

constexpr std::array<std::byte, 8> kNegative = {std::byte{0xfe}, std::byte{0xff}, std::byte{0xff},
                                                std::byte{0xff}, std::byte{0x01}, std::byte{0},
                                                std::byte{0},    std::byte{0}};

[[nodiscard]] DwarfReader reader(std::span<const std::byte> bytes = kNegative) {
  return {bytes.data(), bytes.data() + bytes.size()};
}

TEST(DwarfReader, PointersHaveFourBytesOrEight) {
  const auto value = [](std::uint8_t encoding) { return reader().pointer_value(encoding); };

  EXPECT_EQ(value(pointer_encoding::kAbsolute), 0x1'ffff'fffeU);
  EXPECT_EQ(value(pointer_encoding::kUnsigned8), 0x1'ffff'fffeU);
  EXPECT_EQ(value(pointer_encoding::kSigned8), 0x1'ffff'fffeU);
  EXPECT_EQ(value(pointer_encoding::kUnsigned4), 0xffff'fffeU);
  EXPECT_EQ(value(pointer_encoding::kSigned4), static_cast<std::uintptr_t>(-2));
}

TEST(DwarfReader, PointersMayCountFromWhereTheyStand) {
  const auto here = reinterpret_cast<std::uintptr_t>(kNegative.data());
  const std::uint8_t from_here = pointer_encoding::kFromHere | pointer_encoding::kSigned4;

  EXPECT_EQ(reader().pointer(from_here), here - 2);
}

TEST(DwarfReader, PointersOfOtherKindsFail) {
  DwarfReader of_two_bytes = reader();
  DwarfReader from_a_table = reader();
  const std::uint8_t table = pointer_encoding::kFromTable | pointer_encoding::kSigned4;

  EXPECT_EQ(of_two_bytes.pointer_value(0x02), 0U);
  static_cast<void>(from_a_table.pointer(table));

  EXPECT_TRUE(of_two_bytes.has_failed());
  EXPECT_TRUE(from_a_table.has_failed());
}

TEST(DwarfReader, ReadsZerosPastTheEnd) {
  DwarfReader short_one = reader(std::span(kNegative).first(4));

  EXPECT_EQ(short_one.pointer(pointer_encoding::kUnsigned8), 0U);
  EXPECT_TRUE(short_one.has_failed());
}

}  // namespace
}  // namespace luna
