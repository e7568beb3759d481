// SPDX-License-Identifier: MIT
#include "telemetry/profile_json.hpp"

#include "support/perf_map.hpp"
#include "support/runtime_frames.hpp"
#include "telemetry/code_names.hpp"

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
  sample.profile.unlabelled_samples = 6;
  sample.rows[1].labels = Labels("\6tenant\4blue");
  sample.profile.max_depth = 64;
  sample.profile.count = 2;
  sample.profile.kind = ProfileKind::kGrowth;
  sample.profile.cost = {262144, 1, 2'500'000, 500'000'000};

  EXPECT_EQ(json(sample.profile, sample.modules),
            R"({"format":"lunalloc-heap-profile",
"version":1,
"kind":"growth",
"interval_bytes":524288,
"began_ns":1700000000123456789,
"duration_ns":12500000000,
"dropped_samples":5,
"unlabelled_samples":6,
"refused_frame_names":0,
"max_depth":64,
"marked_ns":2000000000,
"temporary_ns":100000,
"asked_interval_bytes":262144,
"intervals_widened":1,
"sampling_ns":2500000,
"measured_cpu_ns":500000000,
"lifetime_bounds_ns":[1000,4000,16000,64000,256000,1024000,4096000,16384000,65536000,262144000,1048576000,4194304000,16777216000,67108864000,268435456000,1073741824000,4294967296000],
"size_bounds":[16,32,64,128,256,512,1024,2048,4096,8192,16384,32768,65536,131072,262144,524288,1048576,2097152,4194304,8388608,16777216,33554432,67108864],
"allocated":{"samples":7,"objects":43,"bytes":3149729,"sampled_bytes":3000400},
"live":{"samples":3,"objects":13,"bytes":2098152,"sampled_bytes":2000100},
"peak":{"samples":5,"objects":24,"bytes":3147728,"sampled_bytes":3000200},
"modules":[
{"path":"/opt/my app;1","build_id":"00ff10","begin":"0x401000","end":"0x402000","file_offset":"0x1000","bias":"0x0"},
{"path":"/lib/libx.so.6","build_id":"","begin":"0x7f0000002000","end":"0x7f0000004000","file_offset":"0x1000","bias":"0x7f0000000000"}],
"code":[],
"sites":[
{"frames":["0x7f0000002011","0x401101","0x401201"],"labels":{},"allocated":{"samples":4,"objects":40,"bytes":4001,"sampled_bytes":400},"live":{"samples":1,"objects":11,"bytes":1000,"sampled_bytes":100},"peak":{"samples":2,"objects":21,"bytes":2000,"sampled_bytes":200},"growth":{"allocated_objects":1,"allocated_bytes":101,"live_objects":-3,"live_bytes":-300},"freed":{"objects":30,"bytes":3000,"lifetime_ns":1500000000,"byte_milliseconds":150000,"lifetimes":[0,0,0,10,0,0,0,0,0,20,0,0,0,0,0,0,0,0]},"temporary":{"objects":10,"bytes":1020},"sizes":[0,0,0,40,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]},
{"frames":["0x7f0000002021","0x401201"],"labels":{"tenant":"blue"},"allocated":{"samples":3,"objects":3,"bytes":3145728,"sampled_bytes":3000000},"live":{"samples":2,"objects":2,"bytes":2097152,"sampled_bytes":2000000},"peak":{"samples":3,"objects":3,"bytes":3145728,"sampled_bytes":3000000},"growth":{"allocated_objects":2,"allocated_bytes":2097152,"live_objects":1,"live_bytes":1048576},"freed":{"objects":0,"bytes":0,"lifetime_ns":0,"byte_milliseconds":0,"lifetimes":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]},"temporary":{"objects":0,"bytes":0},"sizes":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}]}
)");
}

TEST(ProfileJson, EmptyProfileIsValidToo) {
  const std::string text = json(Profile{}, {});

  EXPECT_NE(text.find("\"modules\":[],\n\"code\":[],\n\"sites\":[]}\n"), std::string::npos) << text;
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

TEST(ProfileJson, FramesOfARuntimeAreObjects) {
  test::RuntimeProfile sample;
  sample.profile.refused_frame_names = 9;
  const std::string text = json(sample.profile, sample.modules);

  EXPECT_NE(text.find("{\"frames\":[{\"function\":\"make row\",\"file\":\"lib/db.py\",\"line\":7},"
                      "{\"function\":\"<main>\",\"file\":\"\",\"line\":0},"
                      "\"0x7f0000002011\",\"0x401101\"],"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\"refused_frame_names\":9,\n"), std::string::npos);
}

TEST(ProfileJson, CodeMadeAtRunTimeIsListed) {
  const test::SampleProfile sample;
  const test::PerfMap map("12000 1000 JS:\"f\"\n");
  CodeNames names;
  ASSERT_TRUE(names.add(sample.rows[2].stack, sample.modules));
  ASSERT_TRUE(names.load());
  const std::string text = json(sample.profile, Modules(sample.modules).with(names));

  EXPECT_NE(
      text.find(
          "\"code\":[\n{\"name\":\"JS:\\\"f\\\"\",\"begin\":\"0x12000\",\"end\":\"0x13000\"}],\n"
          "\"sites\":[\n"),
      std::string::npos)
      << text;
}

}  // namespace
}  // namespace luna
