// SPDX-License-Identifier: MIT
#include "os/request_signal.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>

namespace luna::os {
namespace {

std::atomic<int> requests{0};

void count(int) { ++requests; }

TEST(RequestSignal, IsHandled) {
  ASSERT_EQ(handle_request(SIGUSR2, count), RequestSignal::kDone);
  const int before = requests;
  raise(SIGUSR2);
  EXPECT_EQ(requests, before + 1);
  EXPECT_EQ(handle_request(SIGUSR2, count), RequestSignal::kTaken);
}

TEST(RequestSignal, TakesNoneWithAMeaning) {
  for (const int signal : {0, SIGKILL, SIGSTOP, SIGSEGV, SIGABRT, SIGINT, SIGTERM, SIGCHLD, 32, 65})
    EXPECT_EQ(handle_request(static_cast<std::uint64_t>(signal), count), RequestSignal::kUnfit)
        << signal;
  EXPECT_EQ(handle_request(UINT64_MAX, count), RequestSignal::kUnfit);
}

TEST(RequestSignal, TakesThoseOfRealTime) {
  const auto number = static_cast<std::uint64_t>(SIGRTMIN + 3);
  EXPECT_EQ(handle_request(number, count), RequestSignal::kDone);
}

}  // namespace
}  // namespace luna::os
