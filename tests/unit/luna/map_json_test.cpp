// SPDX-License-Identifier: MIT
#include "report/map_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna::tool {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json map_of(const std::string& regions) {
  return map_json(Json::parse(R"({"format":"lunalloc map","version":1,"page_bytes":4096,
    "region_bytes":2097152,"regions":[)" +
                              regions + R"(],"totals":{"bytes":1},"complete":true})"));
}

TEST(MapJson, PaintsWhatMostOfEachCellIs) {
  const Json map = map_of(R"({"address":"0x200000","bytes":2097152,"kind":"shared","heap":"cache",
    "runs":[["slab",8,8,64,50,100],["large",3,3],["dirty",5,5],["retained",492,0],["new",4,0]]})");

  ASSERT_EQ(map["rows"].size(), 1U);
  const Json& row = map["rows"][0];
  EXPECT_EQ(row["address"], 0x200000);
  EXPECT_EQ(row["heap"], "cache");
  EXPECT_EQ(row["states"], "ssld" + std::string(123, 'r') + "?");
  EXPECT_EQ(row["fullness"], "449" + std::string(125, '0'));
}

TEST(MapJson, HasALineForEachPartOfALargeBlockByRisingAddress) {
  const Json map = map_of(R"({"address":"0x800000","bytes":2097152,"runs":[["retained",512,0]]},
    {"address":"0x200000","bytes":4194304,"kind":"span","runs":[["large",600,1],["dirty",424,0]]})");

  ASSERT_EQ(map["rows"].size(), 3U);
  EXPECT_EQ(map["rows"][0]["states"], std::string(128, 'l'));
  EXPECT_EQ(map["rows"][1]["states"], std::string(22, 'l') + std::string(106, 'd'));
  EXPECT_FALSE(map["rows"][1].contains("kind"));
  EXPECT_EQ(map["rows"][2]["address"], 0x800000);
}

TEST(MapJson, HasNumbersAloneOfTheTotals) {
  const Json map = map_json(Json::parse(R"({"format":"lunalloc map","regions":[],"seconds":[[]],
    "totals":{"bytes":[[[]]],"huge_bytes":5,"other":{},"slab":{"pages":7,"resident_pages":null},
    "dirty":3}})"));

  EXPECT_EQ(map["totals"].dump(), R"({"huge_bytes":5,"slab":{"pages":7}})");
  EXPECT_EQ(map["seconds"], nullptr);
}

TEST(MapJson, IsBoundedWhateverTheFileSays) {
  const Json map = map_of(R"({"address":"x","bytes":9000000000000000,"runs":[["slab",-5],
    ["slab",9e99,1,1,-1,1],[1],"x",["slab",8,1,1,9000000000000,3]]})");

  EXPECT_EQ(map["rows"].size(), 4096U);
  EXPECT_GT(map["left_out"], 1000);
  EXPECT_EQ(map["rows"][0]["fullness"].get<std::string>().substr(0, 3), "990");
  EXPECT_EQ(map_json(Json::parse(R"({"format":"other","regions":[]})")), nullptr);
  EXPECT_EQ(map_json(Json::parse(R"({"format":"lunalloc map"})")), nullptr);
}

}  // namespace
}  // namespace luna::tool
