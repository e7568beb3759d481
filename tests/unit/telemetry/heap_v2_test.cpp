// SPDX-License-Identifier: MIT
#include "telemetry/heap_v2.hpp"

#include "support/runtime_frames.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

constexpr std::string_view kLibraries = "\nMAPPED_LIBRARIES:\n";

// What stands before the mapped libraries; they are `libraries`.
std::string head(HeapText form, std::string& libraries, ProfileKind kind = ProfileKind::kHeap) {
  test::SampleProfile sample;
  sample.profile.kind = kind;
  test::StringOutput string;
  EXPECT_TRUE(write_heap_v2(sample.profile, form, string.out));
  const std::size_t end = string.text.find(kLibraries);
  if (end == std::string::npos) return "no libraries";
  libraries = string.text.substr(end + kLibraries.size());
  return string.text.substr(0, end);
}

TEST(HeapV2, JemallocsFormHasTheCountsOfTheSamples) {
  std::string libraries;

  EXPECT_EQ(head(HeapText::kJemalloc, libraries),
            "heap_v2/524288\n"
            "  t*: 3: 2000100 [8: 3000477]\n"
            "@ 0x7f0000002010 0x401101 0x401201\n"
            "  t*: 1: 100 [4: 400]\n"
            "@ 0x7f0000002020 0x401201\n"
            "  t*: 2: 2000000 [3: 3000000]\n"
            "@ 0x12344 0x401201\n"
            "  t*: 0: 0 [1: 77]\n");
  EXPECT_NE(libraries.find(" r-xp "), std::string::npos);
  EXPECT_NE(libraries.find("heap_v2_test"), std::string::npos);
}

TEST(HeapV2, GperftoolsHasTheSameInOtherLines) {
  std::string libraries;

  EXPECT_EQ(head(HeapText::kGperftools, libraries),
            "heap profile: 3: 2000100 [8: 3000477] @ heap_v2/524288\n"
            "1: 100 [4: 400] @ 0x7f0000002010 0x401101 0x401201\n"
            "2: 2000000 [3: 3000000] @ 0x7f0000002020 0x401201\n"
            "0: 0 [1: 77] @ 0x12344 0x401201\n");
  EXPECT_NE(libraries.find("heap_v2_test"), std::string::npos);
}

TEST(HeapV2, WhatIsInUseMayBeThatOfThePeak) {
  std::string libraries;

  EXPECT_EQ(head(HeapText::kGperftools, libraries, ProfileKind::kPeak),
            "heap profile: 5: 3000200 [8: 3000477] @ heap_v2/524288\n"
            "2: 200 [4: 400] @ 0x7f0000002010 0x401101 0x401201\n"
            "3: 3000000 [3: 3000000] @ 0x7f0000002020 0x401201\n"
            "0: 0 [1: 77] @ 0x12344 0x401201\n");
  EXPECT_TRUE(head(HeapText::kJemalloc, libraries, ProfileKind::kPeak)
                  .starts_with("heap_v2/524288\n  t*: 5: 3000200 [8: 3000477]\n"));
}

TEST(HeapV2, OutputThatFailsIsReported) {
  const test::SampleProfile sample;
  test::FullOutput full{10};

  EXPECT_FALSE(write_heap_v2(sample.profile, HeapText::kJemalloc, full.out));
}

TEST(HeapV2, FramesOfARuntimeAreLeftOut) {
  const test::RuntimeProfile sample;
  test::StringOutput string;
  EXPECT_TRUE(write_heap_v2(sample.profile, HeapText::kJemalloc, string.out));

  EXPECT_NE(string.text.find("\n@ 0x7f0000002010 0x401101\n"), std::string::npos) << string.text;
}

}  // namespace
}  // namespace luna
