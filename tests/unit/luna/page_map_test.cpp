// SPDX-License-Identifier: MIT
// Maps of pages as `luna map` reads and prints them; on maps of real programs, see
// tests/preload/map.
#include "page_map.hpp"

#include "heap_profile.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace luna::tool {
namespace {

const std::string kHead = R"({"format":"lunalloc map","version":1,"page_bytes":4096,"regions":[)";
const std::string kSlabs =
    R"({"address":"0x7f0000200000","bytes":2097152,"kind":"shared","heap":"a\u001bb",)"
    R"("huge":"huge","huge_bytes":2097152,"resident_bytes":1572864,)"
    R"("runs":[["slab",256,256,64,1024,16384],["large",64,64],["dirty",64,64],["retained",128,0]]})";
const std::string kSpan =
    R"({"address":"0x7f0000000000","bytes":4194304,"kind":"span","heap":null,"huge":"plain",)"
    R"("huge_bytes":0,"resident_bytes":4096,"runs":[["large",1024,1]]})";
const std::string kTail =
    R"(],"tables":[{"address":"0x1000","bytes":8192,"kind":"metadata","resident_bytes":4096}],)"
    R"("totals":{"slab":{"pages":256}},"complete":true})";
const std::string kMap = kHead + kSlabs + "," + kSpan + kTail;

[[nodiscard]] PageMap read(const std::string& text) {
  std::istringstream in(text);
  return read_page_map(in);
}

[[nodiscard]] std::string text_of(const PageMap& map) {
  std::ostringstream out;
  write_page_map_text(map, out);
  return out.str();
}

[[nodiscard]] std::string refusal(const std::string& text) {
  try {
    static_cast<void>(text_of(read(text)));
  } catch (const ProfileError& error) {
    return error.what();
  }
  return {};
}

TEST(PageMapFile, AddsUpWhatRunsAreUsedFor) {
  const PageMap map = read(kMap);
  EXPECT_EQ(map.cut, "");
  EXPECT_EQ(map.uses[PageMap::kSlab].bytes, 256U * 4096);
  EXPECT_EQ(map.uses[PageMap::kSlab].live, 64U * 1024);
  EXPECT_EQ(map.uses[PageMap::kLarge].bytes, (1024U + 64) * 4096);
  EXPECT_EQ(map.uses[PageMap::kLarge].resident, 65U * 4096);
  EXPECT_EQ(map.uses[PageMap::kRetained].resident, 0U);
  EXPECT_EQ(map.table_bytes, 4096U);
  EXPECT_EQ(map.huge_bytes, 2097152U);
}

TEST(PageMapFile, RegionsComeByAddress) {
  const PageMap map = read(kMap);
  ASSERT_EQ(map.regions.size(), 2U);
  EXPECT_EQ(map.regions[0].address, 0x7f0000000000U);
  EXPECT_FALSE(map.regions[0].heap.has_value());
  EXPECT_EQ(map.regions[1].heap, "a\x1b\x62");
}

TEST(PageMapFile, MarksSayHowFullEachPartIs) {
  const std::string text = text_of(read(kMap));
  EXPECT_NE(text.find("\n0x7f0000000000 |" + std::string(32, '#') + "|   4.0 MiB 100.0 %\n"),
            text.npos)
      << text;
  EXPECT_NE(text.find("\n0x7f0000200000 |" + std::string(16, '-') + "####....        |   2.0 MiB"),
            text.npos)
      << text;
  EXPECT_NE(text.find(" huge \"a?b\"\n"), text.npos) << "a terminal would obey it";
}

TEST(PageMapFile, TellsHowMuchHoldsNoBlock) {
  const std::string text = text_of(read(kMap));
  EXPECT_NE(
      text.find("2 regions of 6.0 MiB, 1.5 MiB of it resident, 2.0 MiB in huge pages; tables: "
                "4.0 KiB\n"),
      text.npos)
      << text;
  EXPECT_NE(text.find("Fragmentation: much. Of 1.5 MiB resident, 1.2 MiB (79.0 %) hold no block:\n"
                      "  960.0 KiB inside slabs, and 256.0 KiB in pages"),
            text.npos)
      << text;
  EXPECT_NE(text.find("\n  1 region is used to a quarter at most: 1.5 MiB resident.\n"), text.npos)
      << text;
}

TEST(PageMapFile, WhatTheKernelDoesNotSayIsUnknown) {
  std::string text = kMap;
  text.replace(text.find("\"huge_bytes\":0"), 14, "\"huge_bytes\":null");
  text.replace(text.find("1024,1]"), 7, "1024,null]");
  const PageMap map = read(text);
  EXPECT_FALSE(map.huge_bytes.has_value());
  EXPECT_EQ(map.uses[PageMap::kLarge].resident, map.uses[PageMap::kLarge].bytes);
  EXPECT_EQ(text_of(map).find("in huge pages"), std::string::npos);
}

TEST(PageMapFile, UsesThatComeLaterCountAsOther) {
  std::string text = kMap;
  text.replace(text.find("dirty"), 5, "lazy!");
  EXPECT_EQ(read(text).uses[PageMap::kOther].bytes, 64U * 4096);
  EXPECT_NE(text_of(read(text)).find("of uses that this program does not know"), text.npos);
}

TEST(PageMapFile, WhatWasCutShortIsReadAsFarAsItGoes) {
  const PageMap map = read(kMap.substr(0, kHead.size() + kSlabs.size() + 40));
  EXPECT_NE(map.cut, "");
  EXPECT_EQ(map.regions.size(), 1U);
  EXPECT_NE(read(kHead + kSpan + "]}").cut, "") << "there is no end";
}

TEST(PageMapFile, OtherFilesAreRefused) {
  EXPECT_NE(refusal("").find("it is no map"), std::string::npos);
  EXPECT_NE(refusal(R"({"format":"lunalloc-heap-profile","version":1})").find("no map"),
            std::string::npos);
  std::string later = kMap;
  later.replace(later.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_NE(refusal(later).find("has version 2, and this program knows 1"), std::string::npos);
}

TEST(PageMapFile, RunsThatMakeNoSenseAreRefused) {
  for (const char* const runs :
       {R"(["large",1023,1])", R"(["large",1025,1])", R"(["large",18446744073709551615,1])",
        R"(["large",-1,1])", R"("large")", R"([1,2,3])", R"(["large"])"}) {
    std::string text = kMap;
    text.replace(text.find(R"(["large",1024,1])"), 16, runs);
    EXPECT_NE(refusal(text).find("it is damaged: "), std::string::npos) << runs;
  }
  std::string large = kMap;
  large.replace(large.find("4194304"), 7, "18446744073709551615");
  EXPECT_NE(refusal(large).find("damaged"), std::string::npos);
}

TEST(PageMapFile, DamageIsNoMoreThanARefusal) {
  test::Random random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string text = kMap;
    for (int flips = 0; flips < 3; ++flips)
      text[random.below(text.size())] ^= static_cast<char>(1U << random.below(8));
    static_cast<void>(refusal(text.substr(0, random.below(text.size() + 1))));
    static_cast<void>(refusal(text));
  }
}

}  // namespace
}  // namespace luna::tool
