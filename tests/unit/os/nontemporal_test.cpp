// SPDX-License-Identifier: MIT
#include "os/nontemporal.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kMargin = 256;
constexpr std::size_t kMostBytes = 1024;
using Bytes = std::vector<std::uint8_t>;

Bytes numbered(std::size_t size, std::size_t factor) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * factor + 3);
  return bytes;
}

struct Range {
  std::size_t to;
  std::size_t from;
  std::size_t bytes;
};

// Every place in a line, sizes around one and several lines.
template <typename Check>
void for_each_range(Check check) {
  for (std::size_t to = 0; to < 64; to += 5) {
    for (std::size_t from = 0; from < 16; from += 7) {
      for (std::size_t bytes = 0; bytes < 200; ++bytes) check(Range{to, from, bytes});
      check(Range{to, from, kMostBytes - 16});
    }
  }
}

TEST(Nontemporal, CopyIsThatOfTheBytesAndNoMore) {
  const Bytes source = numbered(kMostBytes, 7);
  const Bytes before = numbered(kMostBytes + 2 * kMargin, 11);

  for_each_range([&](Range range) {
    Bytes actual = before;
    Bytes expected = before;
    os::copy_nontemporal(actual.data() + kMargin + range.to, source.data() + range.from,
                         range.bytes);
    for (std::size_t i = 0; i < range.bytes; ++i)
      expected[kMargin + range.to + i] = source[range.from + i];
    ASSERT_EQ(actual, expected) << range.to << " " << range.from << " " << range.bytes;
  });
}

TEST(Nontemporal, ZerosAreTheBytesAndNoMore) {
  const Bytes before = numbered(kMostBytes + 2 * kMargin, 11);

  for_each_range([&](Range range) {
    Bytes actual = before;
    Bytes expected = before;
    os::zero_nontemporal(actual.data() + kMargin + range.to, range.bytes);
    for (std::size_t i = 0; i < range.bytes; ++i) expected[kMargin + range.to + i] = 0;
    ASSERT_EQ(actual, expected) << range.to << " " << range.bytes;
  });
}

TEST(Nontemporal, NothingIsCopiedFromNowhere) {
  os::copy_nontemporal(nullptr, nullptr, 0);
  os::zero_nontemporal(nullptr, 0);
}

}  // namespace
}  // namespace luna
