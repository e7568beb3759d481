// SPDX-License-Identifier: MIT
// Samples begin with the frames that a runtime supplies, or have no others.
#include "support/profiled.hpp"
#include "telemetry/runtime_frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace luna {
namespace {

using test::Profiled;
using RuntimeStack = Profiler::RuntimeStack;

struct Supplied {
  std::vector<std::uintptr_t> frames;
  bool is_whole = false;
  std::size_t most = 0;
};
thread_local Supplied supplied;

RuntimeStack supply(std::uintptr_t* frames, std::size_t most) noexcept {
  supplied.most = most;
  std::size_t count = 0;
  for (const std::uintptr_t frame : supplied.frames)
    if (count < most) frames[count++] = frame;
  return {count, supplied.is_whole};
}

struct WithFrames : Profiled {
  WithFrames() {
    supplied = {};
    profiler.set_frame_source(&supply);
  }

  std::uintptr_t name(const char* function) {
    return profiler.runtime_frames().find_or_add({function, "a.py", 1});
  }

  // The stacks of the sites, with a + for addresses of code.
  std::vector<std::string> stacks() {
    std::vector<std::string> all;
    EXPECT_TRUE(profiler.with_profile([&](const Profile& profile) {
      for (std::size_t i = 0; i < profile.count; ++i) all.push_back(text_of(profile.rows[i].stack));
    }));
    return all;
  }

  static std::string text_of(const Stack& stack) {
    std::string text;
    for (std::size_t i = 0; i < stack.depth; ++i) {
      if (!is_runtime_frame(stack.frames[i])) return text + "+";
      text += std::string(runtime_frame(stack.frames[i]).function) + " ";
    }
    return text;
  }
};

using Texts = std::vector<std::string>;

TEST(ProfilerFrames, StandBeforeTheAddresses) {
  WithFrames fixture;
  supplied.frames = {fixture.name("inner"), fixture.name("outer")};
  static_cast<void>(fixture.thread.allocate(100));

  EXPECT_EQ(fixture.stacks(), (Texts{"inner outer +"}));
  EXPECT_EQ(supplied.most, test::kLimits.depth);
}

TEST(ProfilerFrames, StandInTheirPlace) {
  WithFrames fixture;
  supplied.frames = {fixture.name("inner")};
  supplied.is_whole = true;
  static_cast<void>(fixture.thread.allocate(100));
  supplied.frames = {};
  static_cast<void>(fixture.thread.allocate(100));

  EXPECT_EQ(fixture.stacks(), (Texts{"inner ", ""}));
}

// Without the addresses, of which a loop that is unrolled has several.
TEST(ProfilerFrames, EachStackIsASiteOfItsOwn) {
  WithFrames fixture;
  supplied.is_whole = true;
  for (const char* function : {"a", "b", "a"}) {
    supplied.frames = {fixture.name(function)};
    static_cast<void>(fixture.thread.allocate(100));
  }

  EXPECT_EQ(fixture.stacks(), (Texts{"a ", "b "}));
}

TEST(ProfilerFrames, DeepStacksAreCutOutside) {
  WithFrames fixture;
  supplied.frames.assign(100, fixture.name("deep"));
  static_cast<void>(fixture.thread.allocate(100));

  std::string expected;
  for (std::size_t i = 0; i < test::kLimits.depth; ++i) expected += "deep ";
  EXPECT_EQ(fixture.stacks(), (Texts{expected}));
}

TEST(ProfilerFrames, RefusedNamesAreTold) {
  WithFrames fixture;
  fixture.profiler.runtime_frames().set_limit(1);
  EXPECT_EQ(fixture.name("none"), 0U);

  EXPECT_TRUE(fixture.profiler.with_profile(
      [](const Profile& profile) { EXPECT_EQ(profile.refused_frame_names, 1U); }));
}

TEST(ProfilerFrames, ForkHoldsTheTable) {
  WithFrames fixture;
  fixture.profiler.prepare_fork();
  fixture.profiler.resume_parent();
  EXPECT_NE(fixture.name("a"), 0U);
  fixture.profiler.prepare_fork();
  fixture.profiler.resume_child();
  EXPECT_NE(fixture.name("b"), 0U);
}

}  // namespace
}  // namespace luna
