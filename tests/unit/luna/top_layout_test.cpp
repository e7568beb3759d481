// SPDX-License-Identifier: MIT
// What `luna top` draws, and what keys do, without a terminal.
#include "top_layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace luna::tool {
namespace {

// Wherever a figure can be long, it is.
[[nodiscard]] TopPicture wide_picture() {
  constexpr std::uint64_t kWide = (std::uint64_t{1023} << 20) + (std::uint64_t{900} << 10);
  TopPicture picture;
  picture.resident_bytes = picture.live_bytes = picture.committed_bytes = kWide;
  for (const char* const part : {"Sslabs", "Llarge", "Kkept", "Ffree", "Ttables", "Pprofiler"})
    picture.parts.push_back({part[0], part + 1, kWide});
  picture.parts.push_back({'o', "other", kWide});
  const auto rate = static_cast<double>(kWide);
  picture.rates = {-rate, -rate, rate, 9e6, 9e6, 9e6, rate};
  picture.is_sampling = picture.has_samples = true;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "namespace_" + std::to_string(i) + "::a_function_of_a_long_name";
    picture.sites.push_back({name, name + " at some_file.cpp:" + std::to_string(100 + i),
                             std::vector<std::string>(50, name), static_cast<std::int64_t>(kWide),
                             9999999, static_cast<std::int64_t>(kWide), rate});
  }
  for (int i = 0; i < 9; ++i) {
    picture.heaps.push_back({"heap " + std::string(60, 'h'), kWide, kWide, kWide, kWide, 9999999});
    picture.classes.push_back({kWide, kWide, 9999999, kWide, 1});
  }
  picture.level = "critical";
  picture.limits.push_back({"cgroup /" + std::string(100, 'c'), kWide, kWide, 100});
  picture.some_percent = picture.full_percent = 100;
  return picture;
}

[[nodiscard]] TopScene scene_of(const TopPicture& picture, const TopState& state) {
  return {picture, state, "a-long-name-of-15 (4194303)", "12:03:04", "", ""};
}

[[nodiscard]] std::string text_of(const TextCanvas& canvas) {
  std::string text;
  for (std::size_t row = 0; row < canvas.rows(); ++row) text += canvas.text(row) + "\n";
  return text;
}

[[nodiscard]] bool has(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

[[nodiscard]] int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Of the widest figures each is seen as a whole.
TEST(TopLayout, TheLeastScreenHasAllSectionsAndNoFigureIsCut) {
  const TopPicture picture = wide_picture();
  const TopState state;
  const TextCanvas canvas = draw_screen(scene_of(picture, state), 24, 80);
  const std::string text = text_of(canvas);
  for (const char* const section : {"SITES 40", "HEAPS 9", "SIZE CLASSES 9", "PRESSURE critical"})
    EXPECT_TRUE(has(text, section)) << text;
  for (const TopPicture::Part& part : picture.parts)
    EXPECT_TRUE(has(text, part.name + " 1023.9 MiB")) << part.name;
  EXPECT_EQ(count_of(text, "023.9"), count_of(text, "1023.9 MiB"));
  EXPECT_EQ(count_of(text, "999999"), 2 * count_of(text, "9999999"));
  EXPECT_TRUE(has(canvas.text(7), ".cpp:100")) << canvas.text(7);
}

TEST(TopLayout, TheBarIsFullAndSharesItByBytes) {
  TopPicture picture = wide_picture();
  const TopState state;
  picture.parts = {{'S', "slabs", 300}, {'L', "large", 100}, {'K', "kept", 0}};
  const std::string bar = draw_screen(scene_of(picture, state), 24, 82).text(2);
  EXPECT_EQ(bar, "[" + std::string(60, 'S') + std::string(20, 'L') + "]");
  picture.parts = {{'S', "slabs", 0}};
  EXPECT_EQ(draw_screen(scene_of(picture, state), 24, 80).text(2),
            "[" + std::string(78, ' ') + "]");
}

TEST(TopLayout, EachViewFitsEachSize) {
  const TopPicture picture = wide_picture();
  for (int view = 0; view < kTopViews; ++view)
    for (const auto& [rows, columns] : {std::pair{24U, 80U}, {25U, 81U}, {100U, 300U}}) {
      TopState state;
      state.view = static_cast<TopView>(view);
      const TextCanvas canvas = draw_screen(scene_of(picture, state), rows, columns);
      EXPECT_EQ(canvas.rows(), rows);
      EXPECT_TRUE(has(canvas.text(0), std::to_string(view + 1) + " ")) << canvas.text(0);
      EXPECT_TRUE(canvas.text(rows - 1).starts_with("q quit")) << canvas.text(rows - 1);
    }
}

TEST(TopLayout, WhatIsTooSmallSaysSo) {
  const TopPicture picture = wide_picture();
  const TopState state;
  for (const auto& [rows, columns] : {std::pair{23U, 80U}, {24U, 79U}, {1U, 60U}, {0U, 0U}}) {
    const std::string text = text_of(draw_screen(scene_of(picture, state), rows, columns));
    EXPECT_TRUE(rows == 0 || text.starts_with("luna top needs 80 columns")) << text;
    EXPECT_FALSE(has(text, "SITES"));
  }
}

TEST(TopLayout, AnEmptyPictureIsDrawn) {
  const TopPicture picture;
  TopState state;
  for (int view = 0; view < kTopViews; ++view) {
    state.view = static_cast<TopView>(view);
    EXPECT_TRUE(has(text_of(draw_screen(scene_of(picture, state), 24, 80)), "RSS 0 B"));
  }
}

TEST(TopLayout, TheChosenRowStaysInSight) {
  const TopPicture picture = wide_picture();
  TopState state;
  state.view = TopView::kSites;
  state.selected = 39;
  const std::string text = text_of(draw_screen(scene_of(picture, state), 24, 80));
  EXPECT_TRUE(has(text, ">"));
  EXPECT_TRUE(has(text, "cpp:139") && !has(text, "cpp:100")) << text;
  state.selected = 1000;  // there were more
  EXPECT_TRUE(has(text_of(draw_screen(scene_of(picture, state), 24, 80)), "cpp:139"));
}

TEST(TopLayout, PlainLinesHaveNoKeysAndNoEndsOfSpaces) {
  const TopPicture picture = wide_picture();
  const TopState state;
  const std::string text = plain_lines(scene_of(picture, state));
  EXPECT_TRUE(has(text, "PRESSURE") && has(text, "SIZE CLASSES"));
  EXPECT_FALSE(has(text, "q quit") || has(text, ">") || has(text, " \n") || has(text, "\n\n"));
}

TEST(TextCanvas, ItemsThatDoNotFitGoToTheNextRowOrAreLeftOut) {
  TextCanvas canvas(2, 10);
  canvas.put_items(0, 2, {"1234", "5678", "9012", "a longer one", "34"});
  EXPECT_EQ(canvas.text(0), "1234  5678");
  EXPECT_EQ(canvas.text(1), "9012  34");
}

TEST(TextCanvas, LongTextsKeepTheirEnds) {
  EXPECT_EQ(shortened("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(shortened("abcdefghijk", 9), "abc...ijk");
  EXPECT_EQ(shortened("abcdef", 2), "ab");
}

class TopKeys : public testing::Test {
 protected:
  TopWish press_key(int key) { return press(state_, key, rows_of(state_, picture_)); }

  TopPicture picture_ = wide_picture();
  TopState state_;
};

TEST_F(TopKeys, ChooseViewsAndRows) {
  press_key('4');
  EXPECT_EQ(state_.view, TopView::kClasses);
  press_key(kKeyTab);
  press_key(kKeyTab);
  EXPECT_EQ(state_.view, TopView::kAll);
  press_key(kKeyUp);
  EXPECT_EQ(state_.selected, 0U);
  for (int i = 0; i < 5; ++i) press_key(kKeyPageDown);
  EXPECT_EQ(state_.selected, 39U);
}

TEST_F(TopKeys, OpenAStackAndLeaveIt) {
  press_key(kKeyDown);
  press_key(kKeyEnter);
  ASSERT_EQ(shown_site(state_, picture_), &picture_.sites[1]);
  for (int i = 0; i < 9; ++i) press_key(kKeyPageDown);
  EXPECT_EQ(state_.first_frame, 49U);
  EXPECT_TRUE(has(text_of(draw_screen(scene_of(picture_, state_), 24, 80)), "  50 namespace_1"));
  picture_.sites.clear();
  EXPECT_EQ(shown_site(state_, picture_), nullptr);
  press_key(kKeyEscape);
  EXPECT_FALSE(state_.stack);
}

TEST_F(TopKeys, EditAFilter) {
  press_key('/');
  for (const char key : {'q', '_', '3', '3'}) EXPECT_EQ(press_key(key), TopWish::kNothing);
  press_key(kKeyBackspace);
  press_key(kKeyEnter);
  EXPECT_EQ(state_.filter, "q_3");
  EXPECT_EQ(rows_of(state_, picture_).count, 0U);
  EXPECT_EQ(press_key('q'), TopWish::kQuit);
  press_key(kKeyEscape);
  EXPECT_EQ(rows_of(state_, picture_).count, 40U);
}

TEST_F(TopKeys, AskForWhatOthersDo) {
  EXPECT_EQ(press_key('p'), TopWish::kSampling);
  EXPECT_EQ(press_key('f'), TopWish::kNothing);
  EXPECT_TRUE(state_.is_frozen);
  press_key('?');
  EXPECT_TRUE(state_.shows_help);
  EXPECT_TRUE(has(text_of(draw_screen(scene_of(picture_, state_), 24, 80)), "machine waited"));
  press_key('x');
  EXPECT_FALSE(state_.shows_help);
}

TEST_F(TopKeys, SortByEachColumnOfEachTable) {
  for (const char view : {'2', '3', '4'}) {
    press_key(view);
    const std::size_t columns = columns_of(state_.table());
    for (std::size_t i = 0; i < columns; ++i) {
      EXPECT_EQ(state_.orders[state_.table()].column, i);
      press_key('s');
    }
    EXPECT_EQ(state_.orders[state_.table()].column, 0U);
    press_key('r');
    EXPECT_TRUE(state_.orders[state_.table()].is_reversed);
  }
}

}  // namespace
}  // namespace luna::tool
