// SPDX-License-Identifier: MIT
// Names of frames of this program and of the C library.
#include "telemetry/frame_names.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

// Found by their names in .symtab.
extern "C" [[gnu::noinline]] int luna_first_named_function(int number) { return number * 3; }
extern "C" [[gnu::noinline]] int luna_second_named_function(int number) { return number * 5; }

namespace luna {
namespace {

// As a call in the function returns to it.
template <typename Function>
std::uintptr_t frame_in(Function* function) {
  return reinterpret_cast<std::uintptr_t>(function) + 2;
}

TEST(FrameNames, EachFrameHasTheNameOfItsFunction) {
  ModuleTable table;
  ASSERT_TRUE(table.load());
  const std::array<std::uintptr_t, 5> frames = {
      frame_in(luna_second_named_function), 0x1234,
      reinterpret_cast<std::uintptr_t>(::dlsym(RTLD_DEFAULT, "getppid")) + 2,
      frame_in(luna_first_named_function), frame_in(luna_second_named_function)};
  FrameNames names;
  ASSERT_TRUE(names.add({frames.data(), frames.size()}));
  ASSERT_TRUE(names.add({frames.data(), 2}));
  EXPECT_EQ(names.name_of(frames[0]), "");  // not yet

  ASSERT_TRUE(names.load(table.modules()));

  EXPECT_EQ(names.name_of(frames[0]), "luna_second_named_function");
  EXPECT_EQ(names.name_of(frames[1]), "");
  EXPECT_EQ(names.name_of(frames[2]), "getppid");
  EXPECT_EQ(names.name_of(frames[3]), "luna_first_named_function");
  EXPECT_EQ(names.name_of(frames[3] + 100'000'000), "");
}

TEST(FrameNames, NoFrameHasNoName) {
  FrameNames names;
  ASSERT_TRUE(names.load({}));
  EXPECT_EQ(names.name_of(0x1234), "");
}

}  // namespace
}  // namespace luna
