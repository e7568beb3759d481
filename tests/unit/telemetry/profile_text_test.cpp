// SPDX-License-Identifier: MIT
#include "telemetry/profile_text.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

std::string text(const test::SampleProfile& sample, std::size_t max_sites) {
  test::StringOutput string;
  EXPECT_TRUE(write_profile_text(sample.profile, sample.modules, max_sites, string.out));
  return string.text;
}

TEST(ProfileText, SitesThatHoldMostStandFirst) {
  const test::SampleProfile sample;

  EXPECT_EQ(text(sample, 10),
            "Heap profile of 12 s, one sample for 512.0 KiB on the average\n"
            "Live:      2.0 MiB in 13 objects (estimated from 3 samples)\n"
            "Allocated: 3.0 MiB in 44 objects (estimated from 8 samples)\n"
            "\n"
            "1. 2.0 MiB in 2 objects (99.9 %), of 3.0 MiB in 3 objects allocated\n"
            "    libx.so.6+0x2020\n"
            "    my_app_1+0x401200\n"
            "\n"
            "2. 1000 B in 11 objects (0.0 %), of 3.9 KiB in 40 objects allocated\n"
            "    libx.so.6+0x2010\n"
            "    my_app_1+0x401100\n"
            "    my_app_1+0x401200\n");
}

std::string text_of(ProfileKind kind) {
  test::SampleProfile sample;
  sample.profile.kind = kind;
  return text(sample, 10);
}

TEST(ProfileText, PeakStandsBesideWhatWasAllocated) {
  EXPECT_EQ(text_of(ProfileKind::kPeak),
            "Profile of the peak of 12 s, one sample for 512.0 KiB on the average\n"
            "Peak:      3.0 MiB in 24 objects (estimated from 5 samples)\n"
            "Allocated: 3.0 MiB in 44 objects (estimated from 8 samples)\n"
            "\n"
            "1. 3.0 MiB in 3 objects (99.9 %), of 3.0 MiB in 3 objects allocated\n"
            "    libx.so.6+0x2020\n"
            "    my_app_1+0x401200\n"
            "\n"
            "2. 1.9 KiB in 21 objects (0.0 %), of 3.9 KiB in 40 objects allocated\n"
            "    libx.so.6+0x2010\n"
            "    my_app_1+0x401100\n"
            "    my_app_1+0x401200\n");
}

TEST(ProfileText, WhatShrankStandsLast) {
  EXPECT_EQ(text_of(ProfileKind::kGrowth),
            "Profile of the growth of 10 s, one sample for 512.0 KiB on the average\n"
            "Growth:    1023.7 KiB in -2 objects\n"
            "Allocated: 2.0 MiB in 3 objects\n"
            "\n"
            "1. 1.0 MiB in 1 object (100.0 %), of 2.0 MiB in 2 objects allocated\n"
            "    libx.so.6+0x2020\n"
            "    my_app_1+0x401200\n"
            "\n"
            "2. -300 B in -3 objects, of 101 B in 1 object allocated\n"
            "    libx.so.6+0x2010\n"
            "    my_app_1+0x401100\n"
            "    my_app_1+0x401200\n");
}

TEST(ProfileText, LifetimesAreDrawn) {
  EXPECT_EQ(text_of(ProfileKind::kLifetimes),
            "Profile of lifetimes of 12 s, one sample for 512.0 KiB on the average\n"
            "Lifetimes are drawn by factors of 4, from below 1 us to above 72 minutes\n"
            "Freed:     2.9 KiB in 30 objects (estimated from 5 samples)\n"
            "Allocated: 3.0 MiB in 44 objects (estimated from 8 samples)\n"
            "\n"
            "1. 2.9 KiB in 30 objects (100.0 %), of 3.9 KiB in 40 objects allocated\n"
            "    |   +     @        | mean 50 ms\n"
            "    libx.so.6+0x2010\n"
            "    my_app_1+0x401100\n"
            "    my_app_1+0x401200\n");
}

TEST(ProfileText, TemporaryBlocksHaveAShare) {
  EXPECT_EQ(text_of(ProfileKind::kTemporary),
            "Profile of temporary blocks of 12 s, one sample for 512.0 KiB on the average\n"
            "Temporary is what was freed within 100 us\n"
            "Temporary: 1020 B in 10 objects\n"
            "Allocated: 3.0 MiB in 44 objects (estimated from 8 samples)\n"
            "\n"
            "1. 1020 B in 10 objects (100.0 %), of 3.9 KiB in 40 objects allocated\n"
            "    25.0 % of the objects and 25.4 % of the bytes from here\n"
            "    libx.so.6+0x2010\n"
            "    my_app_1+0x401100\n"
            "    my_app_1+0x401200\n");
}

TEST(ProfileText, HasNoMoreSitesThanAskedFor) {
  const test::SampleProfile sample;

  EXPECT_NE(text(sample, 1).find("\n1. "), std::string::npos);
  EXPECT_EQ(text(sample, 1).find("\n2. "), std::string::npos);
  EXPECT_EQ(text(sample, 0).find("\n1. "), std::string::npos);
}

TEST(ProfileText, EqualSitesStandInTheirOrder) {
  test::SampleProfile sample;
  for (ProfileRow& row : sample.rows) row.live = {1, 1, 100, 100};

  const std::string all = text(sample, 10);

  const std::size_t first = all.find("libx.so.6+0x2010");
  const std::size_t second = all.find("libx.so.6+0x2020");
  const std::size_t third = all.find("0x12344");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
  EXPECT_NE(all.find("3. 100 B in 1 object (33.3 %), of 700 B in 1 object"), std::string::npos);
}

TEST(ProfileText, DroppedSamplesAreSaid) {
  test::SampleProfile sample;
  sample.profile.dropped_samples = 7;

  EXPECT_NE(text(sample, 0).find("Dropped:   7 samples"), std::string::npos);
}

TEST(ProfileText, CostIsSaidWhereItWasMeasured) {
  test::SampleProfile sample;
  EXPECT_EQ(text(sample, 0).find("Sampling"), std::string::npos);
  sample.profile.cost = {4096, 0, 2'500'000, 1'000'000'000};
  EXPECT_NE(text(sample, 0).find("Sampling:  0.2 % of the CPU time\n"), std::string::npos);
  sample.profile.cost.widened = 3;
  EXPECT_NE(text(sample, 0).find("Sampling:  0.2 % of the CPU time; the interval was widened 3 "
                                 "times, 4.0 KiB was asked for\n"),
            std::string::npos)
      << text(sample, 0);
}

TEST(ProfileText, LabelsStandAtTheHeadOfAStack) {
  test::SampleProfile sample;
  sample.profile.unlabelled_samples = 3;
  sample.profile.refused_frame_names = 2;
  sample.rows[0].labels = Labels("\1a\1b\6tenant\4blue");

  const std::string all = text(sample, 10);
  EXPECT_NE(all.find("40 objects allocated [a=b] [tenant=blue]\n    libx"), std::string::npos)
      << all;
  EXPECT_NE(all.find("3 objects allocated\n    libx"), std::string::npos) << all;
  EXPECT_NE(all.find("Unlabelled: 3 samples, for lack of room\n"), std::string::npos) << all;
  EXPECT_NE(all.find("Unnamed:   2 names of frames were refused"), std::string::npos) << all;
}

TEST(ProfileText, OutputThatFailsIsReported) {
  const test::SampleProfile sample;
  test::FullOutput full{10};

  EXPECT_FALSE(write_profile_text(sample.profile, sample.modules, 1, full.out));
}

}  // namespace
}  // namespace luna
