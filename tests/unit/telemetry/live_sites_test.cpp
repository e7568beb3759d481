// SPDX-License-Identifier: MIT
#include "telemetry/live_sites.hpp"

#include "support/profiled.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace luna {
namespace {

[[nodiscard]] LiveSite site_with(double bytes) {
  LiveSite site;
  site.live.bytes = bytes;
  return site;
}

TEST(LiveSites, KeepsThoseWithMostBytesInOrder) {
  LiveSites sites;
  for (int i = 0; i < 100; ++i) sites.add(site_with(i * 37 % 100));
  ASSERT_EQ(sites.count, LiveSites::kMost);
  for (std::size_t i = 0; i < sites.count; ++i)
    EXPECT_EQ(sites.rows[i].live.bytes, 99.0 - static_cast<double>(i));
  EXPECT_EQ(sites.all_sites, 100U);
  EXPECT_EQ(sites.all_live_bytes, 4950.0);
}

TEST(LiveSites, LeavesOutWhatHoldsNothing) {
  LiveSites sites;
  sites.add(site_with(0));
  sites.add(site_with(5));
  sites.add(site_with(0));
  EXPECT_EQ(sites.count, 1U);
  EXPECT_EQ(sites.all_sites, 3U);
}

TEST(LiveSites, AreThoseOfTheProfile) {
  test::Profiled fixture;
  const std::vector<void*> blocks = fixture.allocate_many(10, 1000);
  LiveSites sites;
  fixture.profiler.find_live_sites(sites);
  ASSERT_GE(sites.count, 1U);
  EXPECT_EQ(sites.all_live_bytes, 10'000.0);
  EXPECT_GT(sites.rows[0].stack.depth, 0U);
  for (void* block : blocks) fixture.thread.deallocate(block);
  fixture.profiler.find_live_sites(sites);
  EXPECT_EQ(sites.count, 0U);
  EXPECT_GE(sites.all_sites, 1U);
}

TEST(LiveSites, AreNoneBeforeSamplesAreTaken) {
  test::OneThread one;
  Profiler profiler{one.allocator};
  LiveSites sites;
  sites.add(site_with(5));
  profiler.find_live_sites(sites);
  EXPECT_EQ(sites.count, 0U);
}

}  // namespace
}  // namespace luna
