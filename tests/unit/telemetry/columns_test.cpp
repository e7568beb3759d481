// SPDX-License-Identifier: MIT
#include "telemetry/columns.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace luna {
namespace {

using Values = std::vector<double>;

// Of the first site.
Values values_of(ProfileKind kind) {
  const test::SampleProfile sample;
  Values values;
  for (const Column& column : columns_of(kind).columns)
    values.push_back(column.value(sample.rows[0]));
  values.push_back(columns_of(kind).folded.value(sample.rows[0]));
  return values;
}

std::vector<std::string> names_of(ProfileKind kind) {
  std::vector<std::string> names;
  for (const Column& column : columns_of(kind).columns)
    names.push_back(std::string(column.name) + "/" + std::string(column.unit));
  return names;
}

TEST(Columns, EachKindHasItsNumbers) {
  EXPECT_EQ(values_of(ProfileKind::kHeap), (Values{40.4, 4000.5, 10.5, 1000.4, 1000.4}));
  EXPECT_EQ(values_of(ProfileKind::kPeak), (Values{20.5, 2000.4, 2000.4}));
  EXPECT_EQ(values_of(ProfileKind::kGrowth), (Values{1.4, 100.6, -2.5, -300.4, -300.4}));
  EXPECT_EQ(values_of(ProfileKind::kLifetimes), (Values{29.9, 3000.1, 1.5e9, 150'000}));
  EXPECT_EQ(values_of(ProfileKind::kTemporary), (Values{10.2, 1020.4, 1020.4}));
}

TEST(Columns, NamesAreThoseThatReadersKnow) {
  using Names = std::vector<std::string>;
  const Names heap = {"alloc_objects/count", "alloc_space/bytes", "inuse_objects/count",
                      "inuse_space/bytes"};
  EXPECT_EQ(names_of(ProfileKind::kHeap), heap);
  EXPECT_EQ(names_of(ProfileKind::kGrowth), heap);
  EXPECT_EQ(names_of(ProfileKind::kPeak), (Names{"inuse_objects/count", "inuse_space/bytes"}));
  EXPECT_EQ(names_of(ProfileKind::kLifetimes),
            (Names{"freed_objects/count", "freed_space/bytes", "lifetime/nanoseconds"}));
  EXPECT_EQ(names_of(ProfileKind::kTemporary), (Names{"alloc_objects/count", "alloc_space/bytes"}));
}

TEST(Columns, WhatIsShownFirstAreItsBytes) {
  for (std::size_t i = 0; i < kProfileKinds.size(); ++i) {
    const KindColumns& kind = columns_of(static_cast<ProfileKind>(i));
    ASSERT_LT(kind.main, kind.columns.size());
    EXPECT_EQ(kind.columns[kind.main].name, kind.shown.bytes.name);
    EXPECT_EQ(kind.columns[kind.main].unit, "bytes");
  }
}

}  // namespace
}  // namespace luna
