// SPDX-License-Identifier: MIT
#include "telemetry/profile_json.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

std::string json(const Profile& profile, Modules modules) {
  test::StringOutput string;
  EXPECT_TRUE(write_profile_json(profile, modules, string.out));
  return string.text;
}

TEST(ProfileJson, HasAllThatIsKnown) {
  test::SampleProfile sample;
  sample.profile.dropped_samples = 5;
  sample.profile.max_depth = 64;
  sample.profile.count = 2;

  EXPECT_EQ(json(sample.profile, sample.modules),
            R"({"format":"lunalloc-heap-profile",
"version":1,
"interval_bytes":524288,
"began_ns":1700000000123456789,
"duration_ns":12500000000,
"dropped_samples":5,
"max_depth":64,
"allocated":{"samples":7,"objects":43,"bytes":3149729,"sampled_bytes":3000400},
"live":{"samples":3,"objects":13,"bytes":2098152,"sampled_bytes":2000100},
"modules":[
{"path":"/opt/my app;1","build_id":"00ff10","begin":"0x401000","end":"0x402000","file_offset":"0x1000","bias":"0x0"},
{"path":"/lib/libx.so.6","build_id":"","begin":"0x7f0000002000","end":"0x7f0000004000","file_offset":"0x1000","bias":"0x7f0000000000"}],
"sites":[
{"frames":["0x7f0000002011","0x401101","0x401201"],"allocated":{"samples":4,"objects":40,"bytes":4001,"sampled_bytes":400},"live":{"samples":1,"objects":11,"bytes":1000,"sampled_bytes":100}},
{"frames":["0x7f0000002021","0x401201"],"allocated":{"samples":3,"objects":3,"bytes":3145728,"sampled_bytes":3000000},"live":{"samples":2,"objects":2,"bytes":2097152,"sampled_bytes":2000000}}]}
)");
}

TEST(ProfileJson, EmptyProfileIsValidToo) {
  const std::string text = json(Profile{}, {});

  EXPECT_NE(text.find("\"modules\":[],\n\"sites\":[]}\n"), std::string::npos) << text;
}

TEST(ProfileJson, PathIsEscaped) {
  test::SampleProfile sample;
  sample.modules[0].path = "/a\"b\\c\n\x01\xFF\xC3\xA4";

  const std::string text = json(sample.profile, sample.modules);

  EXPECT_NE(text.find(R"("/a\"b\\c\u000a\u0001)"
                      "\xEF\xBF\xBD\xC3\xA4\""),
            std::string::npos)
      << text;
}

TEST(ProfileJson, OutputThatFailsIsReported) {
  const test::SampleProfile sample;
  test::FullOutput full{1000};

  EXPECT_FALSE(write_profile_json(sample.profile, sample.modules, full.out));
}

}  // namespace
}  // namespace luna
