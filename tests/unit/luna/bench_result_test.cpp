// SPDX-License-Identifier: MIT
#include "bench_result.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace luna::tool {
namespace {

constexpr const BenchMetric& kWall = kBenchMetrics[0];

[[nodiscard]] MeasuredRun run_of(double wall_seconds, std::string problem = {}) {
  MeasuredRun run;
  run.wall_seconds = wall_seconds;
  run.problem = std::move(problem);
  return run;
}

[[nodiscard]] BenchResult two_subjects() {
  BenchResult result;
  result.command = {"./app"};
  result.runs = 3;
  result.subjects.push_back({"glibc", "", "", {run_of(2), run_of(4), run_of(3)}});
  result.subjects.push_back({"other", "/o.so", "", {run_of(1), run_of(1.5), run_of(1.9)}});
  return result;
}

TEST(BenchResult, TheMedianOfAnEvenNumberIsBetweenTheTwoInTheMiddle) {
  BenchSubject subject;
  subject.runs = {run_of(9), run_of(1), run_of(4), run_of(2)};

  const auto spread = spread_of(subject, kWall);
  ASSERT_TRUE(spread);
  EXPECT_EQ(spread->median, 3);
  EXPECT_EQ(spread->least, 1);
  EXPECT_EQ(spread->most, 9);
}

TEST(BenchResult, RunsWithAProblemDoNotCountAndAreTold) {
  BenchResult result = two_subjects();
  result.subjects[1].runs[0] = run_of(0.001, "it ends with status 7");

  EXPECT_EQ(spread_of(result.subjects[1], kWall)->least, 1.5);
  EXPECT_FALSE(result.is_whole());
  EXPECT_EQ(remarks_of(result),
            std::vector<std::string>{"other: 1 of 3 runs do not count: it ends with status 7"});
  result.subjects[1].runs = {run_of(1, "x")};
  EXPECT_FALSE(spread_of(result.subjects[1], kWall));
  EXPECT_EQ(ratio_text(result, result.subjects[1], kWall), "-");
}

TEST(BenchResult, RatiosSayWhereRangesOverlap) {
  BenchResult result = two_subjects();
  EXPECT_EQ(ratio_text(result, result.subjects[0], kWall), "1.00");
  EXPECT_EQ(ratio_text(result, result.subjects[1], kWall), "0.50");
  EXPECT_TRUE(result.is_whole());

  result.subjects[1].runs[2] = run_of(2.1);
  EXPECT_EQ(ratio_text(result, result.subjects[1], kWall), "0.50~");
}

TEST(BenchResult, CommandsAreWrittenAsAShellTakesThem) {
  EXPECT_EQ(command_text({"./a", "-x=1", "", "two words", "it's", "$(x)"}),
            R"(./a -x=1 '' 'two words' 'it'\''s' '$(x)')");
}

TEST(BenchResult, ThePageObeysNoMarkupOfOthers) {
  BenchResult result = two_subjects();
  result.command = {"<script>alert('1')</script>", "&\"\x1b"};
  result.subjects[1].name = "<b onload=x>";
  result.subjects[1].left_out = "</ul><img src=x>";
  result.notes = {"<i>"};
  std::ostringstream out;
  write_bench_html(result, out);

  for (const char* const markup : {"<script", "<b ", "<img", "<i>", "\x1b", "&\"", "'1'"})
    EXPECT_EQ(out.str().find(markup), std::string::npos) << markup;
  EXPECT_NE(out.str().find("&lt;b onload=x&gt;</td>"), std::string::npos);
  EXPECT_NE(out.str().find("&lt;script&gt;"), std::string::npos);
}

TEST(BenchResult, ThePageNeedsNothingFromElsewhere) {
  std::ostringstream out;
  write_bench_html(two_subjects(), out);

  for (const char* const way : {"http:", "https:", "src=", "href=", "url(", "@import", "<script"})
    EXPECT_EQ(out.str().find(way), std::string::npos) << way;
  EXPECT_LT(out.str().size(), 20000U);
}

}  // namespace
}  // namespace luna::tool
