// SPDX-License-Identifier: MIT
#include "os/clock.hpp"

#include <gtest/gtest.h>

#include <chrono>
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

}  // namespace
}  // namespace luna
