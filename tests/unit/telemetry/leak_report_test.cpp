// SPDX-License-Identifier: MIT
// The order of sites, what is suppressed, and the report as text and as JSON.
#include "telemetry/leak_report.hpp"

#include "support/perf_map.hpp"
#include "support/runtime_frames.hpp"
#include "telemetry/leak_json.hpp"
#include "telemetry/leak_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace luna {
namespace {

using test::FullOutput;
using test::SampleProfile;
using test::StringOutput;

constexpr std::uint32_t kTicks = 16;

// Six sites: two leak, one more than the other; a cache, a burst, one that is steady, and one
// of which nothing lives. Every block is a sample.
struct SampleLeaks {
  SampleLeaks() {
    fill(0, [](std::uint32_t tick) { return 1000.0 * (tick + 1); });
    fill(1, [](std::uint32_t tick) { return 5000.0 * (tick + 1); });
    fill(2, [](std::uint32_t tick) { return tick < 7 ? 1000.0 * (tick + 1) : 8000.0; });
    fill(3, [](std::uint32_t tick) { return tick < 2 ? 10.0 + 3000 * tick : 3010.0; });
    fill(4, [](std::uint32_t) { return 500.0; });
    fill(5, [](std::uint32_t tick) { return tick < 8 ? 0.0 + tick : 0.0; });
    rows[0].stack = rows[3].stack = sample.rows[0].stack;
    rows[1].stack = rows[2].stack = sample.rows[1].stack;
    rows[0].labels = rows[1].labels = Labels("\6tenant\4blue");
    rows[4].stack = rows[5].stack = sample.rows[2].stack;
    profile = {rows.data(), rows.size(), 1, 3, {1000, 0}, {1000 + 10 * kTicks, kTicks - 1}};
  }

  template <typename Level>
  void fill(std::size_t row, Level level) {
    LeakRow& site = rows[row];
    for (std::uint32_t tick = 0; tick < kTicks; ++tick)
      site.history.note_allocated({1000 + tick * 10, tick}, level(tick));
    const double live = level(kTicks - 1);
    const auto bytes = static_cast<std::uint64_t>(live);
    site.live = {10, 10, live, bytes, bytes};
    site.allocated = site.live;
    site.note_age({1000, 0}, live);
  }

  SampleProfile sample;
  std::array<LeakRow, 6> rows{};
  LeakProfile profile;
};

struct Reported : SampleLeaks {
  explicit Reported(const std::string& known = "") {
    EXPECT_TRUE(suppressions.parse(known, [](const SuppressionError&) { ADD_FAILURE(); }));
    EXPECT_TRUE(report.make(suppressions));
  }

  Suppressions suppressions;
  LeakReport report{profile, sample.modules};
};

TEST(LeakReport, SuspectsComeFirstByTheirScore) {
  const Reported reported;
  const LeakReport& report = reported.report;
  ASSERT_EQ(report.count(), 4U);
  EXPECT_EQ(report[0].row, 1U);
  EXPECT_EQ(report[1].row, 0U);
  EXPECT_EQ(report[2].row, 2U);
  EXPECT_EQ(report[3].row, 3U);
  EXPECT_EQ(report.count_of(LeakClass::kLeak), 2U);
  EXPECT_EQ(report.count_of(LeakClass::kPlateau), 1U);
  EXPECT_EQ(report.count_of(LeakClass::kBurst), 1U);
  EXPECT_EQ(report.count_of(LeakClass::kSteady), 2U);
}

TEST(LeakReport, TextSaysWhatAndWhy) {
  const Reported reported;
  StringOutput output;
  ASSERT_TRUE(write_leak_text(reported.report, reported.suppressions, output.out));
  EXPECT_EQ(output.text.rfind("Leak report of 160 ms, one sample for 1 B on the average\n"
                              "Sites: 2 leak, 0 grow, 0 suppressed; 1 have levelled off, "
                              "1 came at once and stay, 2 are steady\n"
                              "Dropped: 3 samples, not judged here\n"
                              "\n"
                              "1. leak, confidence 99 %: 78.1 KiB in 10 objects [tenant=blue]\n"
                              "   grew from 4.8 KiB to 73.2 KiB in 160 ms, in 14 of 15 intervals, ",
                              0),
            0U)
      << output.text;
  EXPECT_NE(output.text.find("    libx.so.6+0x2020\n"), std::string::npos);
  EXPECT_NE(output.text.find("\nNot leaks, as it seems, or too early to tell:\n\n1. plateau, "),
            std::string::npos);
  EXPECT_EQ(output.text.find("Suppressions"), std::string::npos);
}

TEST(LeakReport, WhatIsSuppressedIsCounted) {
  const Reported reported("leak:nothing\nleak:^/opt/my app;1$\n");
  EXPECT_EQ(reported.report.suppressed(), 2U);
  EXPECT_EQ(reported.report.count_of(LeakClass::kLeak), 0U);
  EXPECT_EQ(reported.suppressions[1].count, 2U);
  EXPECT_EQ(reported.suppressions[1].bytes, 96'000);
  StringOutput output;
  ASSERT_TRUE(write_leak_text(reported.report, reported.suppressions, output.out));
  EXPECT_NE(output.text.find("\nNothing is suspected of being a leak.\n"), std::string::npos);
  EXPECT_NE(output.text.find("\nSuppressions used:\n  sites  bytes  pattern\n"
                             "  2  96000  ^/opt/my app;1$\n"),
            std::string::npos)
      << output.text;
}

TEST(LeakReport, JsonHasTheSame) {
  const Reported reported("leak:libx\n");
  StringOutput output;
  ASSERT_TRUE(write_leak_json(reported.report, reported.suppressions, output.out));
  const std::string& text = output.text;
  EXPECT_EQ(text.rfind("{\"format\":\"lunalloc-leak-report\",\n\"version\":1,\n", 0), 0U);
  EXPECT_NE(text.find("{\"verdict\":\"leak\",\"confidence\":0.9"), std::string::npos) << text;
  EXPECT_NE(text.find("\"suppressed\":true,\"labels\":{\"tenant\":\"blue\"},"), std::string::npos);
  EXPECT_NE(text.find("\"history\":[[1000,1000],[1000,2000],[2000,3000]"), std::string::npos);
  EXPECT_NE(text.find("{\"module\":\"/opt/my app;1\",\"address\":\"0x401200\",\"function\":\"\","
                      "\"build_id\":\"00ff10\"}"),
            std::string::npos);
  EXPECT_NE(text.find("{\"module\":\"/lib/libx.so.6\",\"address\":\"0x2020\",\"function\":\"\"}"),
            std::string::npos);
  EXPECT_NE(text.find("{\"pattern\":\"libx\",\"sites\":2,\"bytes\":96000}"), std::string::npos);
}

TEST(LeakReport, WithoutSitesItSaysSo) {
  LeakProfile empty;
  Suppressions none;
  LeakReport report(empty, {});
  ASSERT_TRUE(report.make(none));
  StringOutput text;
  StringOutput json;
  EXPECT_TRUE(write_leak_text(report, none, text.out));
  EXPECT_TRUE(write_leak_json(report, none, json.out));
  EXPECT_NE(text.text.find("Nothing is suspected"), std::string::npos);
  EXPECT_NE(json.text.find("\"sites\":[],\n\"suppressions\":[]}"), std::string::npos);
}

TEST(LeakReport, FailsWithItsOutput) {
  const Reported reported;
  for (const std::size_t room : {0U, 100U, 700U}) {
    FullOutput text{room};
    EXPECT_FALSE(write_leak_text(reported.report, reported.suppressions, text.out));
    FullOutput json{room};
    EXPECT_FALSE(write_leak_json(reported.report, reported.suppressions, json.out));
  }
}

// The same, with frames that a runtime named at the first site, and code that it made at another.
struct ReportedFrames : SampleLeaks {
  explicit ReportedFrames(const std::string& known = "") {
    rows[0].stack = frames.rows[0].stack;
    rows[1].stack = frames.rows[2].stack;
    EXPECT_TRUE(suppressions.parse(known, [](const SuppressionError&) { ADD_FAILURE(); }));
    EXPECT_TRUE(report.make(suppressions));
    EXPECT_TRUE(write_leak_text(report, suppressions, text.out));
    EXPECT_TRUE(write_leak_json(report, suppressions, json.out));
  }

  test::RuntimeProfile frames;
  test::PerfMap map{"12000 1000 JS:*f app.js\n"};
  Suppressions suppressions;
  LeakReport report{profile, sample.modules};
  StringOutput text;
  StringOutput json;
};

TEST(LeakReport, FramesOfARuntimeHaveTheirNames) {
  const ReportedFrames reported;
  EXPECT_NE(reported.text.text.find("    make_row@lib/db.py:7\n    <main>\n    libx.so.6+0x2010\n"),
            std::string::npos)
      << reported.text.text;
  EXPECT_NE(reported.text.text.find("    JS:*f_app.js\n"), std::string::npos);
  EXPECT_NE(
      reported.json.text.find("{\"function\":\"make row\",\"file\":\"lib/db.py\",\"line\":7},\n"
                              "{\"function\":\"<main>\",\"file\":\"\",\"line\":0},\n"
                              "{\"module\":\"/lib/libx.so.6\","),
      std::string::npos)
      << reported.json.text;
  EXPECT_NE(reported.json.text.find(
                "{\"module\":\"\",\"address\":\"0x12344\",\"function\":\"JS:*f app.js\"}"),
            std::string::npos);
}

TEST(LeakReport, FramesOfARuntimeAreSuppressedByTheirNames) {
  EXPECT_EQ(ReportedFrames("leak:^make row$\n").report.suppressed(), 1U);
  EXPECT_EQ(ReportedFrames("leak:/db.py\n").report.suppressed(), 1U);
  EXPECT_EQ(ReportedFrames("leak:JS:*f\n").report.suppressed(), 1U);
  EXPECT_EQ(ReportedFrames("leak:nothing\n").report.suppressed(), 0U);
}

}  // namespace
}  // namespace luna
