// SPDX-License-Identifier: MIT
#include "telemetry/code_names.hpp"

#include "support/perf_map.hpp"
#include "support/sample_profile.hpp"
#include "telemetry/frames.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace luna {
namespace {

// The names of these frames, by a file with this text.
struct Named {
  Named(std::string_view text, std::vector<std::uintptr_t> with) : map(text), frames(with) {
    EXPECT_TRUE(names.add({frames.data(), frames.size()}, sample.modules));
    EXPECT_TRUE(names.load());
  }

  std::string name(std::uintptr_t frame) const {
    const NamedCode* code = names.find(call_address(frame));
    return code == nullptr ? "none" : std::string(code->name());
  }

  test::SampleProfile sample;
  test::PerfMap map;
  std::vector<std::uintptr_t> frames;
  CodeNames names;
};

TEST(CodeNames, CodeHoldsTheCallsInIt) {
  const Named named("1000 10 first\n1010 20 second\n1040 10 third\n",
                    {0x1000, 0x1001, 0x1010, 0x1011, 0x1030, 0x1031, 0x1040, 0x1050, 0x1051});

  EXPECT_EQ(named.name(0x1000), "none");
  EXPECT_EQ(named.name(0x1001), "first");
  EXPECT_EQ(named.name(0x1010), "first");
  EXPECT_EQ(named.name(0x1011), "second");
  EXPECT_EQ(named.name(0x1030), "second");
  EXPECT_EQ(named.name(0x1031), "none");
  EXPECT_EQ(named.name(0x1040), "none");
  EXPECT_EQ(named.name(0x1050), "third");
  EXPECT_EQ(named.name(0x1051), "none");
}

TEST(CodeNames, TheLastLineCounts) {
  const Named named("1000 10 old\n1008 8 new\n", {0x1005, 0x100a});

  EXPECT_EQ(named.name(0x1005), "old");
  EXPECT_EQ(named.name(0x100a), "new");
}

TEST(CodeNames, WhatAModuleHoldsIsItsOwn) {
  const Named named("400000 10000 all\n", {0x401101, 0x405001});

  EXPECT_EQ(named.name(0x401101), "none");
  EXPECT_EQ(named.name(0x405001), "all");
}

TEST(CodeNames, WhatWasNotAddedHasNone) {
  const Named named("1000 10 f\n", {0x1005});

  EXPECT_EQ(named.name(0x1006), "none");
  EXPECT_EQ(CodeNames().find(0x1004), nullptr);
}

TEST(CodeNames, LongNamesAreCut) {
  const Named named("1000 10 " + std::string(300, 'n') + "\n", {0x1005});

  EXPECT_EQ(named.name(0x1005), std::string(236, 'n'));
}

TEST(CodeNames, EachCodeIsVisitedOnce) {
  const Named named("2000 10 b\n1000 10 a\n3000 10 unused\n", {0x1005, 0x2005, 0x1007, 0x9000});
  std::string all;
  named.names.for_each([&](const NamedCode& code) { all += std::string(code.name()) + " "; });

  EXPECT_EQ(all, "a b ");
}

TEST(CodeNames, NoFileNamesNothing) {
  test::SampleProfile sample;
  const std::array<std::uintptr_t, 1> frames = {0x1005};
  CodeNames names;
  ASSERT_TRUE(names.add({frames.data(), frames.size()}, sample.modules));
  ASSERT_TRUE(names.load());

  EXPECT_EQ(names.find(0x1004), nullptr);
}

}  // namespace
}  // namespace luna
