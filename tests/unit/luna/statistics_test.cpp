// SPDX-License-Identifier: MIT
// The page /stats.json as another process may write it.
#include "statistics.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace luna::tool {
namespace {

const std::string kPage = R"({"lunalloc_statistics":1,
"totals":{"live_bytes":4096,"requested_bytes":null},
"counters":{"hit_ratio":0.25},
"hardware":{"cache_misses":null,"not_available":"off"},
"classes":[{"block_bytes":64,"slabs":1,"used_blocks":3,"free_blocks":2,"uncut_blocks":5,
"fullness":0.3}],
"heaps":[{"name":"cache","live_bytes":7,"cached_bytes":1,"resident_bytes":8,"limit_bytes":0,
"denied":2}],
"threads":[{"thread":12,"used_bytes":9,"cached_bytes":4},{"thread":null,"used_bytes":1}]}
)";

TEST(Statistics, FiguresAreKnownByTheirNames) {
  const Statistics statistics = parse_statistics(kPage);
  EXPECT_EQ(statistics.find("live_bytes"), 4096);
  EXPECT_EQ(statistics.find("hit_ratio"), 0.25);
  EXPECT_EQ(statistics.find("requested_bytes"), std::nullopt);
  EXPECT_TRUE(statistics.figures.contains("requested_bytes"));
  EXPECT_FALSE(statistics.figures.contains("not_available"));
  EXPECT_EQ(statistics.figure("no_such"), 0);
}

TEST(Statistics, ListsHaveTheirRows) {
  const Statistics statistics = parse_statistics(kPage);
  ASSERT_EQ(statistics.classes.size(), 1U);
  EXPECT_EQ(statistics.classes[0].block_bytes, 64U);
  EXPECT_EQ(statistics.classes[0].free_blocks, 7U);
  ASSERT_EQ(statistics.heaps.size(), 1U);
  EXPECT_EQ(statistics.heaps[0].name, "cache");
  EXPECT_EQ(statistics.heaps[0].denied, 2U);
  ASSERT_EQ(statistics.threads.size(), 2U);
  EXPECT_EQ(statistics.threads[0].thread, 12U);
  EXPECT_EQ(statistics.threads[1].thread, std::nullopt);
}

TEST(Statistics, OtherPagesAreRefused) {
  for (const char* const text : {"", "[1]", "{}", "null", "not JSON", R"({"totals":{}})"})
    EXPECT_THROW(static_cast<void>(parse_statistics(text)), NoStatistics) << text;
  try {
    static_cast<void>(parse_statistics(R"({"lunalloc_statistics":2})"));
    ADD_FAILURE() << "another version was read";
  } catch (const NoStatistics& error) {
    EXPECT_NE(std::string(error.what()).find("version"), std::string::npos);
  }
}

TEST(Statistics, DamagedPagesGiveFiniteFiguresOrNone) {
  test::Random random(7);
  int read = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text = kPage;
    for (std::size_t flips = 1 + random.below(3); flips > 0; --flips) {
      const std::size_t place = random.below(text.size());
      text[place] = static_cast<char>(text[place] ^ (1 << random.below(8)));
    }
    try {
      for (const auto& [name, value] : parse_statistics(text).figures)
        EXPECT_TRUE(!value || std::isfinite(*value)) << name;
      ++read;
    } catch (const NoStatistics&) {
      continue;
    }
  }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace luna::tool
