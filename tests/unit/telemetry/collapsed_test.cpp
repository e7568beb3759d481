// SPDX-License-Identifier: MIT
#include "telemetry/collapsed.hpp"

#include "support/runtime_frames.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

const KindColumns& kHeap = columns_of(ProfileKind::kHeap);

std::string collapsed(const test::SampleProfile& sample, const Column& column) {
  test::StringOutput string;
  EXPECT_TRUE(write_collapsed(sample.profile, sample.modules, column, string.out));
  return string.text;
}

TEST(Collapsed, SitesWithNothingLiveAreLeftOut) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, kHeap.folded),
            "my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 1000\n"
            "my_app_1+0x401200;libx.so.6+0x2020 2097152\n");
}

TEST(Collapsed, AllSitesHaveAllocated) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, kHeap.columns[1]),
            "my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 4001\n"
            "my_app_1+0x401200;libx.so.6+0x2020 3145728\n"
            "my_app_1+0x401200;[anon]+0x12344 700\n");
}

TEST(Collapsed, ObjectsAreCountedInstead) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, kHeap.columns[2]),
            "my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 11\n"
            "my_app_1+0x401200;libx.so.6+0x2020 2\n");
  EXPECT_TRUE(collapsed(sample, kHeap.columns[0]).ends_with(";[anon]+0x12344 1\n"));
}

TEST(Collapsed, WhatShrankIsLeftOut) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, columns_of(ProfileKind::kGrowth).folded),
            "my_app_1+0x401200;libx.so.6+0x2020 1048576\n");
}

TEST(Collapsed, LifetimesAreByteMilliseconds) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, columns_of(ProfileKind::kLifetimes).folded),
            "my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 150000\n");
}

TEST(Collapsed, SiteWithoutAStackHasAName) {
  test::SampleProfile sample;
  for (ProfileRow& row : sample.rows) row.stack.depth = 0;

  EXPECT_EQ(collapsed(sample, kHeap.columns[2]), "[no_stack] 11\n[no_stack] 2\n");
}

TEST(Collapsed, LabelsAreTheOutermostFrames) {
  test::SampleProfile sample;
  sample.rows[0].labels = Labels("\1a\3b c\6tenant\4blue");
  sample.rows[1].stack.depth = 0;
  sample.rows[1].labels = Labels("\1a\1;");

  EXPECT_EQ(collapsed(sample, kHeap.columns[2]),
            "[a=b_c];[tenant=blue];my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 11\n"
            "[a=_];[no_stack] 2\n");
}

TEST(Collapsed, OutputThatFailsIsReported) {
  const test::SampleProfile sample;
  test::FullOutput full{10};

  EXPECT_FALSE(write_collapsed(sample.profile, sample.modules, kHeap.folded, full.out));
}

TEST(Collapsed, FramesOfARuntimeAreTheInnermost) {
  const test::RuntimeProfile sample;

  EXPECT_TRUE(collapsed(sample, kHeap.folded)
                  .starts_with("my_app_1+0x401100;libx.so.6+0x2010;<main>;make_row@lib/db.py:7 "));
}

}  // namespace
}  // namespace luna
