// SPDX-License-Identifier: MIT
#include "protobuf_reader.hpp"

#include "profile_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace luna::tool {
namespace {

using Numbers = std::vector<std::uint64_t>;

[[nodiscard]] std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

TEST(ProtobufReader, GoesThroughFieldsOfEachType) {
  const std::string message =
      bytes({0x08, 0x96, 0x01, 0x12, 2, 'a', 'b', 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4});
  ProtobufReader reader(message);

  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 1U);
  EXPECT_EQ(reader.number(), 150U);
  EXPECT_FALSE(reader.is_bytes());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 2U);
  EXPECT_EQ(reader.bytes(), "ab");
  EXPECT_TRUE(reader.is_bytes());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 3U);
  EXPECT_EQ(reader.bytes(), "");
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 4U);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.is_whole());
}

TEST(ProtobufReader, TakesRepeatedNumbersPackedAndSingle) {
  const std::string message = bytes({0x0A, 3, 1, 0x80, 1, 0x08, 7});
  ProtobufReader reader(message);
  Numbers numbers;
  const auto add = [&](std::uint64_t number) { numbers.push_back(number); };

  while (reader.next()) EXPECT_TRUE(reader.for_each_number(add));

  EXPECT_EQ(numbers, (Numbers{1, 128, 7}));
}

TEST(ProtobufReader, NumbersHaveAllTheir64Bits) {
  const std::string message =
      bytes({0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01});
  ProtobufReader reader(message);

  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.number(), ~std::uint64_t{0});
}

TEST(ProtobufReader, StopsWhereTheRestIsNoField) {
  const std::string broken[] = {
      bytes({0x12}),           // no length
      bytes({0x12, 2, 'a'}),   // more than there is
      bytes({0x08, 0x80}),     // a number without end
      bytes({0x80}),           // likewise, a tag
      bytes({0x0B, 1}),        // a type that is no more
      bytes({0x0F, 1}),        // one that never was
      bytes({0x00, 1}),        // field 0
      bytes({0x19, 1, 2, 3}),  // less than 8 bytes
      bytes({0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}),
      bytes({0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}),
  };
  for (const std::string& message : broken) {
    ProtobufReader reader(message);
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.is_whole());
    EXPECT_FALSE(reader.next());
  }
}

TEST(ProtobufReader, APackedNumberWithoutEndIsToldOf) {
  const std::string message = bytes({0x0A, 2, 1, 0x80});
  ProtobufReader reader(message);

  ASSERT_TRUE(reader.next());
  EXPECT_FALSE(reader.for_each_number([](std::uint64_t) {}));
}

// Of a profile: a small file in gzip may have as many of them as memory has room for.
TEST(ProtobufReader, TooManyFieldsAreRefused) {
  std::string message(2 * ((std::size_t{1} << 24) + 1), '\0');
  for (std::size_t i = 0; i < message.size(); i += 2) message[i] = 0x32;  // a text, empty
  EXPECT_THROW(static_cast<void>(parse_pprof(message, true)), ProfileError);
}

}  // namespace
}  // namespace luna::tool
