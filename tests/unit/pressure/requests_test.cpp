// SPDX-License-Identifier: MIT
#include "pressure/requests.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace luna {
namespace {

TEST(PressureRequests, AreAnsweredUpToTheNumberThatWasCounted) {
  PressureRequests requests;
  const std::uint32_t first = requests.add();
  const std::uint32_t counted = requests.count();
  const std::uint32_t second = requests.add();

  requests.answer(counted);

  EXPECT_TRUE(requests.is_answered(first));
  EXPECT_FALSE(requests.is_answered(second));
}

TEST(PressureRequests, AnOlderAnswerTakesNothingBack) {
  PressureRequests requests;
  const std::uint32_t first = requests.add();
  const std::uint32_t second = requests.add();
  requests.answer(second);

  requests.answer(first);

  EXPECT_TRUE(requests.is_answered(second));
}

TEST(PressureRequests, WaitingEndsWithoutAnAnswer) {
  PressureRequests requests;
  EXPECT_FALSE(requests.wait(requests.add(), 2));
}

TEST(PressureRequests, WaitingEndsWithTheAnswer) {
  PressureRequests requests;
  const std::uint32_t number = requests.add();
  std::thread teller([&] { requests.answer(requests.count()); });
  EXPECT_TRUE(requests.wait(number, 60'000));
  teller.join();
}

}  // namespace
}  // namespace luna
