// SPDX-License-Identifier: MIT
#include "metric_page.hpp"

#include <gtest/gtest.h>

namespace luna::tool {
namespace {

constexpr const char* kOne = R"(pid="1",comm="a")";
constexpr const char* kTwo = R"(pid="2",comm="b")";
constexpr const char* kText =
    "# TYPE lunalloc_live_bytes gauge\n"
    "# UNIT lunalloc_live_bytes bytes\n"
    "# HELP lunalloc_live_bytes In use\n"
    "lunalloc_live_bytes 5\n"
    "# TYPE lunalloc_purges counter\n"
    "# HELP lunalloc_purges Given back\n"
    "lunalloc_purges_total{size=\"8\"} 1e3\n"
    "# EOF\n";

TEST(MetricPage, HasEachFamilyOnceWithTheLabelsOfEachProcess) {
  MetricPage page;
  ASSERT_TRUE(page.add(kText, kOne));
  ASSERT_TRUE(page.add(kText, kTwo));

  EXPECT_EQ(page.text(),
            "# TYPE lunalloc_live_bytes gauge\n"
            "# UNIT lunalloc_live_bytes bytes\n"
            "# HELP lunalloc_live_bytes In use\n"
            "lunalloc_live_bytes{pid=\"1\",comm=\"a\"} 5\n"
            "lunalloc_live_bytes{pid=\"2\",comm=\"b\"} 5\n"
            "# TYPE lunalloc_purges counter\n"
            "# HELP lunalloc_purges Given back\n"
            "lunalloc_purges_total{pid=\"1\",comm=\"a\",size=\"8\"} 1e3\n"
            "lunalloc_purges_total{pid=\"2\",comm=\"b\",size=\"8\"} 1e3\n");
}

TEST(MetricPage, TakesLabelsWithEscapesAndValuesThatAreNoNumbers) {
  MetricPage page;
  const std::string family = "# TYPE lunalloc_x gauge\n";

  EXPECT_TRUE(page.add(family + "lunalloc_x{a=\"\\\\\\\"\\n}\",b=\"\"} NaN\n", kOne));
  EXPECT_TRUE(page.add(family + "lunalloc_x{} +Inf\n", kTwo));
  EXPECT_TRUE(
      page.text().ends_with("lunalloc_x{pid=\"1\",comm=\"a\",a=\"\\\\\\\"\\n}\",b=\"\"} NaN\n"
                            "lunalloc_x{pid=\"2\",comm=\"b\"} +Inf\n"))
      << page.text();
}

// One of them would cost the page of all.
TEST(MetricPage, RefusesWhatPrometheusWouldRefuse) {
  for (const std::string line : {"lunalloc_x",
                                 "lunalloc_x ",
                                 "lunalloc_x one",
                                 "lunalloc_x 1 2",
                                 "lunalloc_x +-1",
                                 "lunalloc_x 1e999",
                                 "lunalloc_x nan(1)",
                                 "lunalloc_x{a=\"1} 1",
                                 "lunalloc_x{a=\"\\x\"} 1",
                                 "lunalloc_x{a=1} 1",
                                 "lunalloc_x{=\"1\"} 1",
                                 "lunalloc_x{1=\"1\"} 1",
                                 "lunalloc_x{a=\"1\",} 1",
                                 "lunalloc_x{a=\"1\"}1",
                                 "lunalloc_x{pid=\"1\"} 1",
                                 "lunalloc_x{comm=\"1\"} 1",
                                 "lunalloc_y 1",
                                 "lunalloc_xy 1",
                                 "luna_up 1",
                                 "# TYPE luna_up gauge",
                                 "# TYPE lunalloc_y histogram",
                                 "# TYPE lunalloc_x counter",
                                 "# TYPE lunalloc_y-z gauge",
                                 "# UNIT lunalloc_x bytes",
                                 "# HELP lunalloc_y a family without a type"}) {
    MetricPage page;

    EXPECT_FALSE(page.add("# TYPE lunalloc_x gauge\n" + line + "\n", kOne)) << line;
    EXPECT_EQ(page.text(), "") << line;
  }
}

TEST(MetricPage, RefusesAFamilyThatIsAnotherElsewhere) {
  MetricPage page;
  ASSERT_TRUE(page.add(kText, kOne));
  const std::string before = page.text();

  EXPECT_FALSE(page.add("# TYPE lunalloc_live_bytes counter\nlunalloc_live_bytes 1\n", kTwo));
  EXPECT_EQ(page.text(), before);
}

TEST(MetricPage, HasNoBytesThatAreNoText) {
  MetricPage page;
  ASSERT_TRUE(page.add("# TYPE lunalloc_x gauge\nlunalloc_x{a=\"\xff\x1b\"} 1\n", kOne));

  EXPECT_NE(page.text().find("a=\"??\""), std::string::npos);
  EXPECT_EQ(label_value("a\"\\\n\xff"), "a\\\"\\\\??");
}

}  // namespace
}  // namespace luna::tool
