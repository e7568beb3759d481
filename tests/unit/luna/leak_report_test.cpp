// SPDX-License-Identifier: MIT
// The reader of reports of leaks; on reports of real programs, see tests/preload/profile_files.
#include "leak_report.hpp"

#include "json_values.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

namespace luna::tool {
namespace {

const std::string kReport = R"({"format":"lunalloc-leak-report",
"version":1,
"interval_bytes":512,
"sites":[
{"verdict":"leak","confidence":0.970,"live_bytes":1000,"labels":{"tenant":"blue"},
"frames":[{"function":"load_row","file":"table.script","line":3},
{"module":"/opt/app","address":"0x2c6d","function":"_Z3runv","build_id":"00ff"},
{"module":"/opt/app","address":"0x4887","function":""}]},
{"verdict":"steady","confidence":0.2,"live_bytes":5,"labels":{},
"frames":[{"module":"/opt/app","address":"0x2c6d","function":"_Z3runv","build_id":"00ff"},
{"module":"","address":"0x7f00","function":"JS:app.js"}]}],
"suppressions":[]}
)";

[[nodiscard]] LeakFile read(const std::string& text) {
  std::istringstream in(text);
  return read_leak_report(in);
}

[[nodiscard]] std::string refusal(const std::string& text) {
  try {
    LeakFile report = read(text);
    keep_linker_names(report);
    EXPECT_EQ(report.sites.size(), report.stacks.samples.size());
    for (const HeapProfile::Sample& sample : report.stacks.samples)
      for (const std::uint32_t frame : report.stacks.stack_of(sample))
        EXPECT_LT(frame, report.stacks.locations.size());
  } catch (const ProfileError& error) {
    return error.what();
  }
  return {};
}

TEST(LeakReport, MayHaveNamesAlready) {
  const LeakFile report =
      read(R"({"format":"luna-leak-report","version":1,"sites":[{"verdict":"leak",
    "frames":[{"function":"run","file":"app.cpp","line":7,"module":"/opt/app","address":"0x1"}]}]})");

  ASSERT_EQ(report.stacks.samples.size(), 1U);
  const auto& location = report.stacks.locations[report.stacks.frames[0]];
  EXPECT_EQ(report.stacks.functions[location.lines.at(0).function].name, "run");
  EXPECT_EQ(location.lines[0].line, 7U);
}

TEST(LeakReport, SitesHaveTheirStacks) {
  LeakFile report = read(kReport);
  ASSERT_EQ(report.sites.size(), 2U);
  EXPECT_EQ(report.stacks.cut, "");
  EXPECT_EQ(number_in(report.head, "interval_bytes"), 512);
  EXPECT_EQ(text_in(report.sites[0], "verdict"), "leak");
  EXPECT_EQ(real_in(report.sites[0], "confidence"), 0.97);

  const auto first = report.stacks.stack_of(report.stacks.samples[0]);
  const auto second = report.stacks.stack_of(report.stacks.samples[1]);
  ASSERT_EQ(first.size(), 3U);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(first[1], second[0]);
  const HeapProfile::Location& run = report.stacks.locations[first[1]];
  EXPECT_EQ(run.address, 0x2c6dU);
  EXPECT_EQ(report.stacks.mappings[run.mapping].path, "/opt/app");
  EXPECT_EQ(report.stacks.mappings[run.mapping].build_id, "00ff");
  EXPECT_EQ(report.stacks.label_sets[report.stacks.samples[0].labels].at(0).value, "blue");
}

TEST(LeakReport, WhatNobodyCouldNameKeepsTheNameThatTheLibraryKnew) {
  LeakFile report = read(kReport);
  keep_linker_names(report);
  const HeapProfile& stacks = report.stacks;
  std::vector<std::string> names;
  for (const std::uint32_t frame : stacks.stack_of(stacks.samples[0])) {
    const auto& lines = stacks.locations[frame].lines;
    names.push_back(lines.empty() ? "" : stacks.functions[lines[0].function].name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"load_row", "run()", ""}));
}

TEST(LeakReport, ACutReportHasTheSitesBeforeTheCut) {
  const LeakFile report = read(kReport.substr(0, kReport.find("steady")));
  EXPECT_EQ(report.sites.size(), 1U);
  EXPECT_NE(report.stacks.cut, "");
  for (std::size_t bytes = 0; bytes < kReport.size(); ++bytes)
    static_cast<void>(refusal(kReport.substr(0, bytes)));
}

TEST(LeakReport, FlippedBitsDoNoHarm) {
  test::Random random(1);
  std::set<std::string> reasons;
  for (int round = 0; round < 1000; ++round) {
    std::string text = kReport;
    for (std::size_t flips = 1 + random.below(4); flips > 0; --flips) {
      const std::size_t place = random.below(text.size());
      text[place] = static_cast<char>(text[place] ^ (1 << random.below(8)));
    }
    reasons.insert(refusal(text));
  }
  EXPECT_GE(reasons.size(), 3U);
}

TEST(LeakReport, OtherFilesAreToldOf) {
  EXPECT_NE(refusal("").find("no report of leaks"), std::string::npos);
  EXPECT_NE(refusal("[1,2]").find("no report of leaks"), std::string::npos);
  EXPECT_NE(refusal(R"({"format":"lunalloc-heap-profile"})").find("luna profile"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"format":"lunalloc-leak-report","version":9})").find("version 9"),
            std::string::npos);
}

}  // namespace
}  // namespace luna::tool
