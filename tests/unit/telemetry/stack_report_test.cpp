// SPDX-License-Identifier: MIT
// What stands under the line of a mistake.
#include "telemetry/stack_report.hpp"

#include "support/written.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

constexpr std::uintptr_t kFrames[] = {0x111, 0x221};

[[nodiscard]] BlockStory live_story() {
  BlockStory story;
  story.address = 0x7000;
  story.bytes = 40;
  story.allocated = {kFrames, 2};
  story.allocated_thread = 5;
  return story;
}

[[nodiscard]] std::string text_of(const BlockStory& story) {
  return test::written([&](Output& out) { write_block_story(out, story, {}); });
}

TEST(StackReport, ALiveBlockHasTheStackOfItsAllocation) {
  EXPECT_EQ(text_of(live_story()),
            "  the block: 40 bytes at 0x7000\n"
            "  allocated by thread 5:\n    [anon]+0x110\n    [anon]+0x220\n");
}

TEST(StackReport, AFreedBlockHasThatOfItsFreeToo) {
  BlockStory story = live_story();
  story.is_freed = true;
  story.freed.frames[0] = 0x331;
  story.freed.depth = 1;
  story.freed_thread = 6;
  story.freed_ago_ns = 12'345'678;

  EXPECT_EQ(text_of(story),
            "  the block: 40 bytes at 0x7000, freed 12 ms ago\n"
            "  allocated by thread 5:\n    [anon]+0x110\n    [anon]+0x220\n"
            "  freed by thread 6:\n    [anon]+0x330\n");
}

TEST(StackReport, TimesAreInUnitsThatCanBeRead) {
  BlockStory story = live_story();
  story.is_freed = true;

  story.freed_ago_ns = 9'999'999;
  EXPECT_NE(text_of(story).find("freed 9999 us ago"), std::string::npos);
  story.freed_ago_ns = 12'000'000'000;
  EXPECT_NE(text_of(story).find("freed 12 s ago"), std::string::npos);
}

TEST(StackReport, AMissingStackIsSaid) {
  const std::string text =
      test::written([](Output& out) { write_stack(out, "now in", 7, {}, {}); });

  EXPECT_EQ(text, "  now in thread 7:\n    (no stack)\n");
}

}  // namespace
}  // namespace luna
