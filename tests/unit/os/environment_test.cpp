// SPDX-License-Identifier: MIT
#include "os/environment.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>

namespace luna {
namespace {

TEST(Environment, FindsAValue) {
  ::setenv("LUNA_TEST_VALUE", "a=b,c", 1);

  EXPECT_EQ(os::environment_value("LUNA_TEST_VALUE"), "a=b,c");
}

TEST(Environment, EmptyAndMissingValuesAreEmpty) {
  ::setenv("LUNA_TEST_EMPTY", "", 1);
  ::unsetenv("LUNA_TEST_MISSING");

  EXPECT_EQ(os::environment_value("LUNA_TEST_EMPTY"), "");
  EXPECT_EQ(os::environment_value("LUNA_TEST_MISSING"), "");
}

TEST(Environment, PrefixOfANameIsAnotherName) {
  ::setenv("LUNA_TEST_LONGER", "1", 1);
  ::unsetenv("LUNA_TEST_LONG");

  EXPECT_EQ(os::environment_value("LUNA_TEST_LONG"), "");
}

TEST(Environment, OrdinaryProgramHasNoPrivileges) { EXPECT_FALSE(os::runs_with_privileges()); }

TEST(Environment, ProgramHasTheNameOfItsFile) {
  std::array<char, 256> buffer;

  EXPECT_TRUE(os::program_name(buffer.data(), buffer.size()).ends_with("environment_test"));
}

TEST(ReadFile, ReadsAtMostWhatFits) {
  std::array<char, 4> buffer;

  EXPECT_EQ(os::read_file("/proc/self/maps", buffer.data(), buffer.size()).size(), 4U);
}

TEST(ReadFile, StopsAtTheEndOfTheFile) {
  std::array<char, 4096> buffer;
  const auto text = os::read_file("/proc/self/comm", buffer.data(), buffer.size());

  EXPECT_FALSE(text.empty());
  EXPECT_TRUE(text.ends_with('\n'));
}

TEST(ReadFile, MissingFileIsEmpty) {
  std::array<char, 4> buffer;

  EXPECT_TRUE(os::read_file("/nonexistent/file", buffer.data(), buffer.size()).empty());
}

TEST(Environment, ThreadHasTheNameThatItWasGiven) {
  std::array<char, 16> before = {};
  ASSERT_EQ(::pthread_getname_np(::pthread_self(), before.data(), before.size()), 0);
  ASSERT_EQ(::pthread_setname_np(::pthread_self(), "fifteen letters"), 0);
  std::array<char, 16> buffer;

  EXPECT_EQ(os::thread_name(buffer.data(), buffer.size()), "fifteen letters");
  ASSERT_EQ(::pthread_setname_np(::pthread_self(), before.data()), 0);
}

TEST(Environment, ProcessAndHostAreAsTheCLibrarySays) {
  std::array<char, 65> expected = {};
  ASSERT_EQ(::gethostname(expected.data(), expected.size()), 0);
  std::array<char, 65> buffer;

  EXPECT_EQ(os::host_name(buffer.data(), buffer.size()), expected.data());
  EXPECT_EQ(os::process_id(), static_cast<std::uint64_t>(::getpid()));
}

}  // namespace
}  // namespace luna
