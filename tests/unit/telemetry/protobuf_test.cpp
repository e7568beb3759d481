// SPDX-License-Identifier: MIT
// The examples of the format's own documentation, and its limits.
#include "telemetry/protobuf.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

template <typename Write>
std::string written(Write write) {
  test::StringOutput string;
  ProtobufWriter writer(string.out);
  write(writer);
  return string.text;
}

TEST(Protobuf, NumberHasSevenBitsInEachByte) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.number(1, 150); }), "\x08\x96\x01");
  EXPECT_EQ(written([](ProtobufWriter& out) { out.number(1, 127); }), "\x08\x7F");
  EXPECT_EQ(written([](ProtobufWriter& out) { out.packed(UINT64_MAX); }),
            "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
}

TEST(Protobuf, ZeroIsLeftOutUnlessPacked) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.number(1, 0); }), "");
  EXPECT_EQ(written([](ProtobufWriter& out) { out.packed(0); }), std::string(1, '\0'));
}

TEST(Protobuf, FieldNumbersFromSixteenOnTakeTwoBytes) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.number(16, 1); }), "\x80\x01\x01");
}

TEST(Protobuf, LengthStandsBeforeWhatIsNested) {
  const auto inner = [](ProtobufWriter& out) { out.bytes("testing"); };
  const auto outer = [=](ProtobufWriter& out) { out.nested(2, inner); };

  EXPECT_EQ(written(outer), "\x12\x07testing");
  EXPECT_EQ(written([=](ProtobufWriter& out) { out.nested(3, outer); }), "\x1A\x09\x12\x07testing");
}

}  // namespace
}  // namespace luna
