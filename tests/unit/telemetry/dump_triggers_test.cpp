// SPDX-License-Identifier: MIT
#include "telemetry/dump_triggers.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

constexpr double kMiB = 1 << 20;

// Writes it if it is due.
[[nodiscard]] bool dump(DumpTriggers& triggers) {
  if (!triggers.is_due()) return false;
  EXPECT_TRUE(triggers.begin_dump());
  triggers.end_dump();
  return true;
}

[[nodiscard]] bool dumps_at(DumpTriggers& triggers, double mebibytes) {
  triggers.note(mebibytes * kMiB);
  return dump(triggers);
}

TEST(DumpTriggers, NothingIsDueWithoutLimits) {
  DumpTriggers triggers;
  EXPECT_FALSE(dumps_at(triggers, 1e6));
  EXPECT_FALSE(triggers.begin_dump());
}

TEST(DumpTriggers, ARequestIsDueOnce) {
  DumpTriggers triggers;
  triggers.request();
  triggers.request();
  EXPECT_TRUE(dump(triggers));
  EXPECT_FALSE(dump(triggers));
  triggers.request();
  EXPECT_TRUE(dump(triggers));
}

TEST(DumpTriggers, OneNearALimitSaysSo) {
  DumpTriggers triggers;
  triggers.request();
  ASSERT_TRUE(dump(triggers));
  EXPECT_FALSE(triggers.take_near_limit());

  triggers.request_near_limit();
  ASSERT_TRUE(dump(triggers));
  EXPECT_TRUE(triggers.take_near_limit());
  EXPECT_FALSE(triggers.take_near_limit());
}

TEST(DumpTriggers, GrowthIsMeasuredFromTheLast) {
  DumpTriggers triggers;
  triggers.set({10 << 20, 0});
  EXPECT_FALSE(dumps_at(triggers, 9));
  EXPECT_TRUE(dumps_at(triggers, 10));
  EXPECT_FALSE(dumps_at(triggers, 19));
  EXPECT_FALSE(dumps_at(triggers, 2));
  EXPECT_FALSE(dumps_at(triggers, 12));
  EXPECT_TRUE(dumps_at(triggers, 50));
  EXPECT_FALSE(dumps_at(triggers, 59));
  EXPECT_TRUE(dumps_at(triggers, 60));
}

TEST(DumpTriggers, GrowthIsMeasuredFromARequestToo) {
  DumpTriggers triggers;
  triggers.set({10 << 20, 0});
  EXPECT_FALSE(dumps_at(triggers, 8));
  triggers.request();
  EXPECT_TRUE(dump(triggers));
  EXPECT_FALSE(dumps_at(triggers, 17));
  EXPECT_TRUE(dumps_at(triggers, 18));
}

TEST(DumpTriggers, APeakIsAboveTheLastOne) {
  DumpTriggers triggers;
  triggers.set({0, 50});
  EXPECT_FALSE(dumps_at(triggers, 23));  // not yet worth it
  EXPECT_TRUE(dumps_at(triggers, 25));
  EXPECT_FALSE(dumps_at(triggers, 5));
  EXPECT_FALSE(dumps_at(triggers, 37));
  EXPECT_TRUE(dumps_at(triggers, 38));
  EXPECT_FALSE(dumps_at(triggers, 38));
}

// While one is written, others go on.
TEST(DumpTriggers, OneThreadIsAtIt) {
  DumpTriggers triggers;
  triggers.request();
  ASSERT_TRUE(triggers.begin_dump());
  EXPECT_FALSE(triggers.is_due());
  triggers.request();
  EXPECT_FALSE(triggers.begin_dump());
  triggers.end_dump();
  EXPECT_TRUE(dump(triggers));

  triggers.request();
  ASSERT_TRUE(triggers.begin_dump());
  triggers.resume_child();
  triggers.request();
  EXPECT_TRUE(dump(triggers));
}

}  // namespace
}  // namespace luna
