// SPDX-License-Identifier: MIT
// Conditions of `luna watch`: how they are written, and when they come true.
#include "condition.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace luna::tool {
namespace {

using std::chrono::seconds;

[[nodiscard]] std::string refusal(const std::string& text) {
  try {
    static_cast<void>(parse_condition(text));
  } catch (const BadCondition& error) {
    return error.what();
  }
  return {};
}

TEST(Condition, HasANameATestAndAValue) {
  const Condition condition = parse_condition("rss>2G");
  EXPECT_EQ(condition.name, "process_resident_bytes");
  EXPECT_EQ(condition.test, Condition::Test::kAbove);
  EXPECT_EQ(condition.value, 2.0 * 1024 * 1024 * 1024);
  EXPECT_FALSE(condition.is_rate);
  EXPECT_EQ(parse_condition("live >= 1.5 KiB").value, 1536);
  EXPECT_EQ(parse_condition("live<=7").test, Condition::Test::kAtMost);
  EXPECT_EQ(parse_condition("dirty_bytes<3MB").value, 3.0 * 1024 * 1024);
  EXPECT_TRUE(parse_condition("refills/s>1000").is_rate);
  EXPECT_EQ(parse_condition("page_ratio>50%").value, 0.5);
  EXPECT_EQ(parse_condition("live+10%").test, Condition::Test::kGrown);
  EXPECT_TRUE(parse_condition("live+10%").is_percent);
  EXPECT_EQ(parse_condition("live-1k").test, Condition::Test::kShrunk);
}

TEST(Condition, WhatMakesNoSenseIsRefusedWithWhatWould) {
  for (const auto& [text, words] : {std::pair{"", "name of a figure"},
                                    {">2G", "name of a figure"},
                                    {"rss", "behind the name"},
                                    {"rss=2G", "behind the name"},
                                    {"rss>", "a number"},
                                    {"rss>-1", "a number"},
                                    {"rss>nan", "a number"},
                                    {"rss>1e999", "a number"},
                                    {"rss>2X", "units"},
                                    {"rss>2G2", "units"},
                                    {"rss>80%", "of what"},
                                    {"live/s+10%", "not of its rate"}}) {
    EXPECT_NE(refusal(text).find(words), std::string::npos) << text << ": " << refusal(text);
    EXPECT_NE(refusal(text).find(std::string("--when ") + text), std::string::npos);
  }
  EXPECT_EQ(refusal("\x1b>1").find('\x1b'), std::string::npos);
}

TEST(Condition, AWrongNameIsToldWithTheNearest) {
  Statistics statistics;
  statistics.figures = {{"live_bytes", 1.0}, {"hit_ratio", 0.5}, {"requested_bytes", std::nullopt}};
  EXPECT_NO_THROW(check_name(parse_condition("live>1"), statistics));
  EXPECT_NO_THROW(check_name(parse_condition("requested_bytes>1"), statistics));
  for (const auto& [text, nearest] :
       {std::pair{"live_byte>1", "live_bytes"}, {"rsss>1", "rss"}, {"hitratio>1", "hit_ratio"}}) {
    try {
      check_name(parse_condition(text), statistics);
      ADD_FAILURE() << text;
    } catch (const BadCondition& error) {
      EXPECT_NE(std::string(error.what()).find(std::string("did you mean ") + nearest + "?"),
                std::string::npos)
          << error.what();
    }
  }
  EXPECT_THROW(check_name(parse_condition(std::string(5000, 'x') + ">1"), statistics),
               BadCondition);
}

// A trigger that looks once a second.
class TriggerTest : public testing::Test {
 protected:
  void watch(std::vector<std::string> texts, int lasting = 0) {
    std::vector<Condition> conditions;
    for (const std::string& text : texts) conditions.push_back(parse_condition(text));
    trigger_.emplace(std::move(conditions), seconds(lasting));
  }
  [[nodiscard]] bool look(std::optional<double> live, double refills = 0) {
    Statistics statistics;
    statistics.figures = {{"live_bytes", live}, {"refills", refills}};
    at_ += seconds(1);
    return trigger_->look(at_, statistics);
  }

  std::optional<Trigger> trigger_;
  Trigger::Time at_;
};

TEST_F(TriggerTest, ComesTrueOnceUntilItDidNotHold) {
  watch({"live>10"});
  EXPECT_FALSE(look(10));
  EXPECT_TRUE(look(11));
  EXPECT_EQ(trigger_->text(), "live>10: 11 B");
  EXPECT_FALSE(look(12));
  EXPECT_FALSE(look(9));
  EXPECT_TRUE(look(13));
}

TEST_F(TriggerTest, HasToLast) {
  watch({"live<10"}, 2);
  EXPECT_FALSE(look(1));
  EXPECT_FALSE(look(1));
  EXPECT_FALSE(look(10));
  EXPECT_FALSE(look(1));
  EXPECT_FALSE(look(1));
  EXPECT_TRUE(look(1));
  EXPECT_FALSE(look(1));
}

TEST_F(TriggerTest, GrowthIsSinceTheBeginAndThenSinceItCameTrue) {
  watch({"live+10%"});
  EXPECT_FALSE(look(100));
  EXPECT_FALSE(look(109));
  EXPECT_TRUE(look(110));
  EXPECT_FALSE(look(120));
  EXPECT_TRUE(look(121));
  watch({"live-50"});
  EXPECT_FALSE(look(100));
  EXPECT_FALSE(look(51));
  EXPECT_TRUE(look(50));
}

TEST_F(TriggerTest, RatesArePerSecond) {
  watch({"refills/s>=5"});
  EXPECT_FALSE(look(0, 1000));  // there is none yet
  EXPECT_FALSE(look(0, 1004));
  EXPECT_TRUE(look(0, 1009));
  EXPECT_EQ(trigger_->text(), "refills/s>=5: 5/s");
}

TEST_F(TriggerTest, OfSeveralAllHaveToHold) {
  watch({"live>10", "refills>5"});
  EXPECT_FALSE(look(11, 5));
  EXPECT_FALSE(look(10, 6));
  EXPECT_TRUE(look(11, 6));
}

TEST_F(TriggerTest, WhatIsNotKnownDoesNotHold) {
  watch({"live<10"});
  EXPECT_FALSE(look(std::nullopt));
  EXPECT_TRUE(look(1));
  watch({"live+10%"});
  EXPECT_FALSE(look(std::nullopt));
  EXPECT_FALSE(look(100));
  EXPECT_TRUE(look(110));
}

}  // namespace
}  // namespace luna::tool
