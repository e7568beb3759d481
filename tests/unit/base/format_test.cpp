// SPDX-License-Identifier: MIT
#include "base/format.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace luna {
namespace {

template <typename Write>
[[nodiscard]] std::string written(Write write) {
  std::array<char, 64> buffer;
  Text text(buffer.data(), buffer.size());
  write(text);
  return std::string(text.view());
}

[[nodiscard]] std::string bytes(std::uint64_t value) {
  return written([=](Text& text) { text.add_bytes(value); });
}

[[nodiscard]] std::string percent(std::uint64_t part, std::uint64_t whole) {
  return written([=](Text& text) { text.add_percent(part, whole); });
}

TEST(Text, JoinsItsPartsInOrder) {
  const std::string text = written([](Text& out) { out.add("a").add_decimal(12).add("b"); });

  EXPECT_EQ(text, "a12b");
}

TEST(Text, WritesTheSmallestAndTheLargestNumber) {
  EXPECT_EQ(written([](Text& out) { out.add_decimal(0); }), "0");
  EXPECT_EQ(written([](Text& out) { out.add_decimal(UINT64_MAX); }), "18446744073709551615");
}

TEST(Text, WritesHexadecimalWithItsPrefix) {
  EXPECT_EQ(written([](Text& out) { out.add_hex(0); }), "0x0");
  EXPECT_EQ(written([](Text& out) { out.add_hex(0xabc0); }), "0xabc0");
  EXPECT_EQ(written([](Text& out) { out.add_hex(UINT64_MAX); }), "0xffffffffffffffff");
}

TEST(Text, ChoosesTheUnitOfBytes) {
  EXPECT_EQ(bytes(0), "0 B");
  EXPECT_EQ(bytes(1023), "1023 B");
  EXPECT_EQ(bytes(1024), "1.0 KiB");
  EXPECT_EQ(bytes(3 * 512 * 1024), "1.5 MiB");
  EXPECT_EQ(bytes(std::uint64_t{1} << 30), "1.0 GiB");
  EXPECT_EQ(bytes(std::uint64_t{5} << 40), "5.0 TiB");
}

TEST(Text, LargestUnitTakesAllThatIsLarger) { EXPECT_EQ(bytes(UINT64_MAX), "16777215.9 TiB"); }

TEST(Text, JustBelowAUnitIsCutNotRounded) { EXPECT_EQ(bytes((1024 * 1024) - 1), "1023.9 KiB"); }

TEST(Text, WritesTenthsOfAPercent) {
  EXPECT_EQ(percent(1, 8), "12.5 %");
  EXPECT_EQ(percent(0, 8), "0.0 %");
  EXPECT_EQ(percent(8, 8), "100.0 %");
}

TEST(Text, NothingOfNothingIsZeroPercent) { EXPECT_EQ(percent(0, 0), "0.0 %"); }

TEST(Text, CutsOffWhatDoesNotFit) {
  std::array<char, 6> buffer = {'x', 'x', 'x', 'x', 'x', 'x'};
  Text text(buffer.data(), 5);

  text.add("abc").add_decimal(456).add("z");

  EXPECT_EQ(text.view(), "abc45");
  EXPECT_EQ(buffer[5], 'x');
}

TEST(Text, TakesNothingIntoNoRoom) {
  Text text(nullptr, 0);

  text.add("abc").add_hex(1);

  EXPECT_TRUE(text.view().empty());
}

TEST(PartOf, EndsWhereTheTextEnds) {
  EXPECT_EQ(part_of("abcdef", 2, 3), "cde");
  EXPECT_EQ(part_of("abcdef", 4, 9), "ef");
  EXPECT_EQ(part_of("abcdef", 9, 1), "");
  EXPECT_EQ(part_of("abcdef", 3), "def");
}

}  // namespace
}  // namespace luna
