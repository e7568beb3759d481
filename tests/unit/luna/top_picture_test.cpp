// SPDX-License-Identifier: MIT
// What `luna top` computes from two looks.
#include "top_picture.hpp"

#include "profile_reader.hpp"
#include "top_table.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace luna::tool {
namespace {

using std::chrono::seconds;

[[nodiscard]] HeapProfile profile_of(std::int64_t allocated, std::int64_t live) {
  std::istringstream text(R"({"format":"lunalloc-heap-profile","version":1,"kind":"heap",
"sites":[{"frames":[{"function":"grow","file":"a.py","line":3}],
"allocated":{"objects":9,"bytes":)" +
                          std::to_string(allocated) + R"(},"live":{"objects":4,"bytes":)" +
                          std::to_string(live) + R"(}},
{"frames":[{"function":"ke\u001bep","file":"b.py","line":4}],
"allocated":{"objects":1,"bytes":100},"live":{"objects":1,"bytes":100}}]})");
  return read_profile(text);
}

[[nodiscard]] TopLook look_at(int second, double refills, std::int64_t allocated) {
  TopLook look;
  look.at += seconds(second);
  look.statistics.figures = {{"process_resident_bytes", 1000.0 + 500 * second},
                             {"live_bytes", 300.0},
                             {"refills", refills},
                             {"resident_slab_bytes", 100.0},
                             {"resident_spare_bytes", 20.0},
                             {"not_ours_bytes", 700.0}};
  look.profile = profile_of(allocated, 50);
  look.is_sampling = true;
  look.low_percent = 70;
  look.moderate_percent = 85;
  look.critical_percent = 95;
  return look;
}

TEST(TopPicture, OneLookHasNoRates) {
  const TopPicture picture = make_picture(look_at(1, 10, 1000), nullptr);
  EXPECT_EQ(picture.rates.refills, std::nullopt);
  EXPECT_EQ(picture.rates.allocated_bytes, std::nullopt);
  EXPECT_EQ(picture.sites.at(0).allocated_per_second, std::nullopt);
  EXPECT_EQ(picture.resident_bytes, 1500U);
}

TEST(TopPicture, RatesArePerSecondOfTheTimeBetween) {
  const TopLook before = look_at(1, 10, 1000);
  const TopPicture picture = make_picture(look_at(5, 90, 9000), &before);
  EXPECT_EQ(picture.rates.refills, 20);
  EXPECT_EQ(picture.rates.resident_bytes, 500);
  EXPECT_EQ(picture.rates.live_bytes, 0);
  EXPECT_EQ(picture.rates.faults, std::nullopt);  // nobody knows them
  EXPECT_EQ(picture.rates.allocated_bytes, 2000);
  EXPECT_EQ(picture.sites.at(0).allocated_per_second, 2000);
  EXPECT_EQ(picture.sites.at(1).allocated_per_second, 0);
}

TEST(TopPicture, AProfileThatBeganAnewHasNoNegativeRates) {
  const TopLook before = look_at(1, 10, 9000);
  const TopPicture picture = make_picture(look_at(2, 10, 1000), &before);
  EXPECT_EQ(picture.rates.allocated_bytes, 0);
  EXPECT_EQ(picture.sites.at(0).allocated_per_second, 0);
}

TEST(TopPicture, LooksAtTheSameMomentHaveNoRates) {
  const TopLook before = look_at(1, 10, 9000);
  EXPECT_EQ(make_picture(look_at(1, 20, 9000), &before).rates.refills, std::nullopt);
}

TEST(TopPicture, PartsAreWhatIsResident) {
  const TopPicture picture = make_picture(look_at(1, 10, 1000), nullptr);
  ASSERT_EQ(picture.parts.size(), 7U);
  EXPECT_EQ(picture.parts[0].bytes, 120U);
  EXPECT_EQ(picture.parts[6].bytes, 700U);
}

TEST(TopPicture, SitesAreWithoutWhatATerminalObeys) {
  const TopPicture picture = make_picture(look_at(1, 10, 1000), nullptr);
  EXPECT_EQ(picture.sites.at(1).place, "ke?ep at b.py:4");
  EXPECT_EQ(picture.sites.at(1).stack.at(0), "ke?ep at b.py:4");
  EXPECT_EQ(ascii("a\x1b\x80\xc3\xa4z"), "a????z");
}

TEST(TopPicture, TheNearestLimitGivesTheLevel) {
  TopLook look = look_at(1, 10, 1000);
  EXPECT_EQ(make_picture(look, nullptr).level, "none");
  look.limits = {{"one", 1000, 100}, {"two", 1000, 860}, {"three", 0, 5}};
  const TopPicture picture = make_picture(look, nullptr);
  EXPECT_EQ(picture.level, "moderate");
  ASSERT_EQ(picture.limits.size(), 2U);
  EXPECT_EQ(picture.limits[0].name, "two");
  look.limits = {{"one", 1000, 950}};
  EXPECT_EQ(make_picture(look, nullptr).level, "critical");
}

TEST(TopTable, RowsAreFilteredAndSorted) {
  const TopPicture picture = make_picture(look_at(1, 10, 1000), nullptr);
  TopTable table = make_table(TopTable::kSites, picture, {0, false}, "");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].figures[0], "100 B");
  EXPECT_EQ(table.columns[0].caption, "live v");
  table = make_table(TopTable::kSites, picture, {0, true}, "");
  EXPECT_EQ(table.rows[0].figures[0], "50 B");
  EXPECT_EQ(table.columns[0].caption, "live ^");
  table = make_table(TopTable::kSites, picture, {0, false}, "GROW");
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0].name, "grow at a.py:3");
  EXPECT_EQ(table.title, "SITES 1 of 2 with GROW");
}

TEST(TopTable, CountsHaveAtMostNineCharacters) {
  EXPECT_EQ(count_text(9999999), "9999999");
  EXPECT_EQ(count_text(12345678), "12.3M");
  EXPECT_EQ(count_text(99e9), "99.0G");
  EXPECT_LE(count_text(1e300).size(), 9U);
}

}  // namespace
}  // namespace luna::tool
