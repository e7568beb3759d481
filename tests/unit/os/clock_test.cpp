// SPDX-License-Identifier: MIT
#include "os/clock.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

namespace luna {
namespace {

TEST(Clock, GoesOnWhileAThreadSleeps) {
  const std::uint64_t before = os::coarse_milliseconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  const std::uint64_t after = os::coarse_milliseconds();

  EXPECT_GE(after, before + 20);
  EXPECT_LE(after, before + 60'000);
}

TEST(Clock, EpochIsThatOfTheCLibrary) {
  const std::time_t before = std::time(nullptr);
  const std::uint64_t now = os::epoch_nanoseconds();
  const std::time_t after = std::time(nullptr);

  // time() reads a coarser clock, which may be one tick behind.
  EXPECT_GE(now / 1'000'000'000, static_cast<std::uint64_t>(before));
  EXPECT_LE(now / 1'000'000'000, static_cast<std::uint64_t>(after) + 1);
}

}  // namespace
}  // namespace luna
