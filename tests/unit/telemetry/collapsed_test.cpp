// SPDX-License-Identifier: MIT
#include "telemetry/collapsed.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

std::string collapsed(const test::SampleProfile& sample, Measure measure) {
  test::StringOutput string;
  EXPECT_TRUE(write_collapsed(sample.profile, sample.modules, measure, string.out));
  return string.text;
}

TEST(Collapsed, SitesWithNothingLiveAreLeftOut) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, Measure::kLiveBytes),
            "my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 1000\n"
            "my_app_1+0x401200;libx.so.6+0x2020 2097152\n");
}

TEST(Collapsed, AllSitesHaveAllocated) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, Measure::kAllocatedBytes),
            "my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 4001\n"
            "my_app_1+0x401200;libx.so.6+0x2020 3145728\n"
            "my_app_1+0x401200;0x12344 700\n");
}

TEST(Collapsed, ObjectsAreCountedInstead) {
  const test::SampleProfile sample;

  EXPECT_EQ(collapsed(sample, Measure::kLiveObjects),
            "my_app_1+0x401200;my_app_1+0x401100;libx.so.6+0x2010 11\n"
            "my_app_1+0x401200;libx.so.6+0x2020 2\n");
  EXPECT_TRUE(collapsed(sample, Measure::kAllocatedObjects).ends_with(";0x12344 1\n"));
}

TEST(Collapsed, SiteWithoutAStackHasAName) {
  test::SampleProfile sample;
  for (ProfileRow& row : sample.rows) row.stack.depth = 0;

  EXPECT_EQ(collapsed(sample, Measure::kLiveObjects), "[no_stack] 11\n[no_stack] 2\n");
}

TEST(Collapsed, OutputThatFailsIsReported) {
  const test::SampleProfile sample;
  test::FullOutput full{10};

  EXPECT_FALSE(write_collapsed(sample.profile, sample.modules, Measure::kLiveBytes, full.out));
}

}  // namespace
}  // namespace luna
