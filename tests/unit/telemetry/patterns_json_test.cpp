// SPDX-License-Identifier: MIT
// Patterns as JSON, and as sentences.
#include "telemetry/patterns_json.hpp"

#include "support/sample_profile.hpp"
#include "telemetry/patterns.hpp"
#include "telemetry/patterns_text.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace luna {
namespace {

// Two threads, and a first site that does ten times as much as before.
struct SamplePatterns : test::SampleProfile {
  SamplePatterns() {
    profile.patterns = patterns.get();
    profile.count = 2;
    ThreadLabel label;
    label.id = 77;
    std::strcpy(label.name.data(),
                "re\"a\x01"
                "der");
    patterns->threads.add(0x1000, label);
    label.id = 78;
    std::strcpy(label.name.data(), "writer");
    patterns->threads.add(0x2000, label);
    patterns->pairs.add(2, 1, 10, 1000);
    patterns->pairs.add(1, 1, 3, 3000);
    patterns->pairs.add(1, 9, 1, 500);
    ProfileRow& row = rows[0];
    row.allocated = {1000, 1000, 100'000, 100'000, 100'000};
    row.sizes = {};
    row.sizes.weights[3] = 1000;
    row.activity = {{500, 0, 500, 50'000, 0, 0}, 10'000, 100'000, 16, 16, 500.4};
    profile.interval_bytes = 1;
  }

  void make_waves() {
    for (std::uint64_t ms = 0; ms < 1000; ++ms)
      patterns->demand.note(ms * 1'000'000, ms % 100 < 50 ? 2'097'152 : 1'048'576);
  }

  std::unique_ptr<Patterns> patterns = std::make_unique<Patterns>();
};

TEST(PatternsJson, HasAllThatIsKnown) {
  const SamplePatterns sample;
  test::StringOutput string;
  write_patterns_json(sample.profile, string.out);
  EXPECT_EQ(string.text, R"({"threads":[
{"number":1,"tid":77,"name":"re\"a\u0001der"},
{"number":2,"tid":78,"name":"writer"}],
"freed_bytes":{"by_same_thread":3000,"by_others":1500,"unknown":0},
"merged_pairs":0,
"thread_pairs":[
{"from":2,"to":1,"objects":10,"bytes":1000},
{"from":1,"to":9,"objects":1,"bytes":500}],
"freed_by_others":[
{"site":0,"bytes":500}],
"waves":null,
"anomalies":[
{"site":0,"of":"bytes_per_second","now":5000,"before":500,"samples":500,"samples_before":500,"recent_ns":10000000000,"strength":1218}],
"top_sites":[
{"site":1,"usual_size_bucket":0,"temporary_percent":0},
{"site":0,"usual_size_bucket":3,"temporary_percent":1}]})");
}

TEST(PatternsJson, NothingIsValidToo) {
  const auto patterns = std::make_unique<Patterns>();
  Profile profile;
  profile.patterns = patterns.get();
  test::StringOutput string;
  write_patterns_json(profile, string.out);
  EXPECT_NE(string.text.find("\"waves\":null"), std::string::npos) << string.text;
}

TEST(PatternsJson, HasWaves) {
  SamplePatterns sample;
  sample.make_waves();
  test::StringOutput string;
  write_patterns_json(sample.profile, string.out);
  EXPECT_NE(string.text.find("\"waves\":{\"period_ns\":100"), std::string::npos) << string.text;
}

TEST(PatternsText, WavesAreASentence) {
  SamplePatterns sample;
  sample.make_waves();
  test::StringOutput string;
  write_patterns_text(sample.profile, sample.modules, string.out);
  EXPECT_NE(string.text.find("Live bytes go in waves: one in 100 ms, 1.0 MiB from low to high"
                             " around 1.5 MiB (correlation 100 % over the last 996 ms)\n"),
            std::string::npos)
      << string.text;
}

TEST(PatternsText, SaysItInSentences) {
  const SamplePatterns sample;
  test::StringOutput string;
  write_patterns_text(sample.profile, sample.modules, string.out);
  EXPECT_EQ(string.text,
            "\nPatterns\n"
            "Other threads than those that allocated freed 1.4 KiB of 4.3 KiB (33.3 %)\n"
            "    thread 2 (writer, tid 78) to thread 1 (re\"a_der, tid 77): 1000 B in 10 objects\n"
            "    thread 1 (re\"a_der, tid 77) to thread 9: 500 B in 1 object\n"
            "libx.so.6+0x2010: rate 10 x its own past: 4.8 KiB/s in the last 10 s, 500 B/s before"
            " (500 and 500 samples)\n"
            "libx.so.6+0x2020: blocks are mostly of up to 16 B, 0.0 % temporary\n"
            "libx.so.6+0x2010: blocks are mostly of up to 128 B, 1.0 % temporary, 16.6 % of the"
            " freed bytes freed by other threads\n");
}

}  // namespace
}  // namespace luna
