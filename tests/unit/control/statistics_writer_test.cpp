// SPDX-License-Identifier: MIT
// The ratios, and that what is not known is left out or null. That the texts are well formed is
// tested by tests/preload/stats/.
#include "control/statistics_writer.hpp"

#include "control/statistics_fields.hpp"
#include "support/one_thread.hpp"
#include "support/written.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace luna {
namespace {

using test::written;

[[nodiscard]] std::string ratio(const Share& share) {
  return written([&](Output& out) { add_ratio(out, share, "null"); });
}

struct Written : test::OneThread {
  Written() {
    static_cast<void>(thread.allocate(100));
    EXPECT_TRUE(snapshot->take(allocator, profiler, LUNA_STATS_CLASSES));
  }
  Profiler profiler{allocator};
  std::unique_ptr<StatisticsSnapshot> snapshot = std::make_unique<StatisticsSnapshot>();
};

TEST(Ratio, HasFourDigitsAndIsRounded) {
  EXPECT_EQ(ratio({0, 7}), "0.0000");
  EXPECT_EQ(ratio({1, 3}), "0.3333");
  EXPECT_EQ(ratio({2, 3}), "0.6667");
  EXPECT_EQ(ratio({1, 2000}), "0.0005");
  EXPECT_EQ(ratio({99'999, 100'000}), "1.0000");
  EXPECT_EQ(ratio({5, 4}), "1.2500");
  EXPECT_EQ(ratio({UINT64_MAX / 2, UINT64_MAX}), "0.5000");
}

TEST(Ratio, OfNothingIsNotKnown) { EXPECT_EQ(ratio({0, 0}), "null"); }

TEST(Unaccounted, IsTheDifferenceEitherWay) {
  luna_stats_detail detail{};
  detail.resident_bytes = 1000;
  detail.accounted_bytes = 990;
  EXPECT_EQ(ratio(unaccounted(detail)), "0.0100");
  detail.accounted_bytes = 1010;
  EXPECT_EQ(ratio(unaccounted(detail)), "0.0100");
  detail.resident_bytes = LUNA_STATS_UNKNOWN;
  EXPECT_EQ(ratio(unaccounted(detail)), "null");
}

TEST(MissShares, AreUnknownWithoutCounters) {
  luna_stats_detail detail{};
  detail.cache_misses = detail.tlb_misses = 1;
  detail.cache_references = 4;
  detail.tlb_loads = 8;
  EXPECT_EQ(ratio(cache_miss_share(detail)), "0.2500");
  EXPECT_EQ(ratio(tlb_miss_share(detail)), "0.1250");
  detail.cache_references = detail.tlb_loads = LUNA_STATS_UNKNOWN;
  EXPECT_EQ(ratio(cache_miss_share(detail)), "null");
  EXPECT_EQ(ratio(tlb_miss_share(detail)), "null");
}

TEST(HitShare, CountsOneMissForEachRefill) {
  luna_stats_detail detail{};
  detail.refills = 10;
  detail.refilled_blocks = 100;
  EXPECT_EQ(ratio(hit_share(detail)), "0.9000");
  detail.refills = detail.refilled_blocks = 0;
  EXPECT_EQ(ratio(hit_share(detail)), "null");
}

TEST(StatisticsJson, SaysNullForWhatIsNotKnown) {
  const Written fixture;
  const std::string text =
      written([&](Output& out) { write_statistics_json(*fixture.snapshot, out); });

  EXPECT_NE(text.find("\"requested_bytes\":null"), std::string::npos);
  EXPECT_NE(text.find("\"resident_bytes\":null"), std::string::npos);
  EXPECT_NE(text.find("\"unaccounted_ratio\":null"), std::string::npos);
  EXPECT_NE(text.find("\"live_bytes\":112,"), std::string::npos);
  EXPECT_EQ(text.find("18446744073709551615"), std::string::npos);
  EXPECT_EQ(text.find("not_ours\":["), std::string::npos);
}

TEST(StatisticsMetrics, LeaveOutWhatIsNotKnown) {
  const Written fixture;
  const std::string text = written([&](Output& out) {
    write_statistics_metrics(*fixture.snapshot, MetricsFormat::kOpenMetrics, out);
  });

  EXPECT_EQ(text.find("requested_bytes"), std::string::npos);
  EXPECT_EQ(text.find("18446744073709551615"), std::string::npos);
  EXPECT_NE(text.find("lunalloc_class_slabs{block_size=\"112\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("# TYPE lunalloc_refills counter\n"), std::string::npos);
  EXPECT_NE(text.find("\nlunalloc_refills_total 1\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(StatisticsMetrics, NameCountersAsPrometheusDoes) {
  const Written fixture;
  const std::string text = written([&](Output& out) {
    write_statistics_metrics(*fixture.snapshot, MetricsFormat::kPrometheus, out);
  });

  EXPECT_NE(text.find("# TYPE lunalloc_refills_total counter\n"), std::string::npos);
  EXPECT_EQ(text.find("# UNIT"), std::string::npos);
  EXPECT_EQ(text.find("# EOF"), std::string::npos);
}

TEST(StatisticsText, LeavesOutWhatIsNotKnown) {
  const Written fixture;
  const std::string text =
      written([&](Output& out) { write_statistics_text(*fixture.snapshot, out); });

  EXPECT_TRUE(text.starts_with("lunalloc statistics\n"));
  EXPECT_NE(text.find("112 B  Bytes of blocks in use\n"), std::string::npos);
  EXPECT_EQ(text.find("reconciliation"), std::string::npos);
  EXPECT_EQ(text.find("estimated"), std::string::npos);
}

}  // namespace
}  // namespace luna
