// SPDX-License-Identifier: MIT
#include "telemetry/address_ranges.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

[[nodiscard]] std::vector<std::uintptr_t> outside(const AddressRanges& ranges, AddressRange range) {
  std::vector<std::uintptr_t> result;
  while (range.begin < range.end) {
    const AddressRange part = ranges.take_outside(range);
    if (part.begin < part.end) result.insert(result.end(), {part.begin, part.end});
  }
  return result;
}

using Edges = std::vector<std::uintptr_t>;

TEST(AddressRanges, TellsWhatLiesOutside) {
  AddressRanges ranges;
  ASSERT_TRUE(ranges.begin());
  ranges.add(500, 100);
  ranges.add(100, 50);
  ranges.add(140, 60);  // overlaps the one before
  ranges.add(200, 10);  // touches it
  ranges.add(550, 10);  // lies within the first
  ranges.sort();

  EXPECT_EQ(outside(ranges, {0, 1000}), (Edges{0, 100, 210, 500, 600, 1000}));
  EXPECT_EQ(outside(ranges, {120, 205}), Edges{});
  EXPECT_EQ(outside(ranges, {100, 211}), (Edges{210, 211}));
  EXPECT_EQ(outside(ranges, {300, 400}), (Edges{300, 400}));
  EXPECT_EQ(outside(ranges, {599, 601}), (Edges{600, 601}));
}

TEST(AddressRanges, TellsWhatOverlaps) {
  AddressRanges ranges;
  ASSERT_TRUE(ranges.begin());
  EXPECT_FALSE(ranges.overlap({0, ~std::uintptr_t{0}}));
  ranges.add(100, 50);
  ranges.sort();

  EXPECT_TRUE(ranges.overlap({149, 150}));
  EXPECT_TRUE(ranges.overlap({0, 101}));
  EXPECT_FALSE(ranges.overlap({0, 100}));
  EXPECT_FALSE(ranges.overlap({150, 200}));
}

}  // namespace
}  // namespace luna
