// SPDX-License-Identifier: MIT
#include "report/timeline_recorder.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace luna::tool {
namespace {

using Json = nlohmann::ordered_json;

TEST(TimelineRecorder, KeepsTheFiguresOfEachMoment) {
  TimelineRecorder recorder;
  const Json statistics = {{"totals", {{"live_bytes", 10}, {"committed_bytes", 20}}},
                           {"reconciliation", {{"process_resident_bytes", nullptr}}}};

  recorder.add(statistics, {});
  recorder.add(nullptr, {});

  const Json timeline = recorder.json();
  EXPECT_EQ(timeline["columns"].dump(),
            R"(["seconds","resident_bytes","committed_bytes","live_bytes","dirty_bytes"])");
  ASSERT_EQ(timeline["rows"].size(), 1U);
  EXPECT_EQ(timeline["rows"][0][1], nullptr);
  EXPECT_EQ(timeline["rows"][0][2], 20);
  EXPECT_EQ(timeline["rows"][0][3], 10);
}

TEST(TimelineRecorder, ForgetsEveryOtherMomentWhereThereAreMany) {
  TimelineRecorder recorder;

  for (int i = 0; i < 2600; ++i) recorder.add({{"totals", {{"live_bytes", i}}}}, {});

  const Json rows = recorder.json()["rows"];
  EXPECT_LT(rows.size(), 1000U);
  EXPECT_GE(rows.size(), 500U);
  EXPECT_EQ(rows[0][3], 0);
  EXPECT_GT(rows[rows.size() - 1][3], 2500);
}

TEST(TimelineRecorder, WaitsLongerWhereAnswersAreSlow) {
  TimelineRecorder recorder;
  const auto now = TimelineRecorder::Clock::now();

  recorder.add({{"totals", Json::object()}}, std::chrono::seconds(1));

  EXPECT_GE(recorder.next() - now, std::chrono::seconds(20));
}

}  // namespace
}  // namespace luna::tool
