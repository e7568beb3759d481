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

TEST(ProfileText, OutputThatFailsIsReported) {
  const test::SampleProfile sample;
  test::FullOutput full{10};

  EXPECT_FALSE(write_profile_text(sample.profile, sample.modules, 1, full.out));
}

}  // namespace
}  // namespace luna
