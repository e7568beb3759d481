// SPDX-License-Identifier: MIT
// A history against all that was noted.
#include "telemetry/history.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace luna {
namespace {

using test::Random;

Moment at(std::uint32_t tick) { return {std::uint64_t{tick} * 10, tick}; }

TEST(SiteHistory, StaysSmall) { EXPECT_LE(sizeof(SiteHistory), 152U); }

TEST(SiteHistory, BeginsWithTheFirstNote) {
  SiteHistory history{};
  history.advance(at(1000));
  EXPECT_FALSE(history.begun());
  EXPECT_EQ(history.count(), 0U);

  history.note_allocated(at(5000), 100);

  EXPECT_EQ(history.count(), 1U);
  EXPECT_EQ(history.first_ms(), 50'000U);
  EXPECT_EQ(history.first_tick(), 5000U);
  EXPECT_EQ(history[0].low, 100);
  EXPECT_EQ(history[0].high, 100);
}

TEST(SiteHistory, WhatWasLiveHoldsOnWhereNothingHappens) {
  SiteHistory history{};
  history.note(at(0), 100);
  history.note(at(0), 70);
  history.advance(at(9));
  ASSERT_EQ(history.count(), 10U);
  EXPECT_EQ(history[0].low, 70);
  EXPECT_EQ(history[0].high, 100);
  for (std::size_t i = 1; i < 10; ++i) EXPECT_EQ(history[i].high, 70) << i;
  history.note(at(9), 20);
  EXPECT_EQ(history[9].low, 20);
  EXPECT_EQ(history[9].high, 70);
}

TEST(SiteHistory, NeighboursMergeWhenItIsFull) {
  SiteHistory history{};
  for (std::uint32_t i = 0; i < 16; ++i) history.note_allocated(at(i), i);
  EXPECT_EQ(history.count(), 16U);
  EXPECT_EQ(history.allocated_in(), 0xFFFFU);

  history.note(at(16), 16);

  ASSERT_EQ(history.count(), 9U);
  EXPECT_EQ(history.allocated_in(), 0x00FFU);
  EXPECT_EQ(history[0].low, 0);
  EXPECT_EQ(history[0].high, 1);
  EXPECT_EQ(history[3].low, 5);  // held from the slot before
  EXPECT_EQ(history[3].high, 7);
  EXPECT_EQ(history.slot_of(5), 2U);
  EXPECT_EQ(history.slot_of(4000), 8U);
}

TEST(SiteHistory, LongTimesFitToo) {
  SiteHistory history{};
  history.note_allocated(at(3), 10);
  history.note(at(UINT32_MAX), 30);
  EXPECT_LE(history.count(), SiteHistory::kSlots);
  EXPECT_EQ(history[0].low, 10);
  EXPECT_EQ(history[history.count() - 1].high, 30);
  history.note(at(100), -1e-9);  // a clock that was looked at too early
  EXPECT_EQ(history.last(), 0);
}

// For each seed, events at random times, and what each slot should say of them.
TEST(SiteHistory, EachSlotHasTheExtremesOfItsTime) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    SiteHistory history{};
    std::vector<float> lows;  // of each tick
    std::vector<float> highs;
    float level = 1;
    for (std::uint32_t tick = 0; tick < 3000; ++tick) {
      float low = tick == 0 ? 1 : level;
      float high = low;
      if (tick == 0) history.note(at(0), 1);
      if (random.below(4) == 0) {
        level = static_cast<float>(random.below(1000));
        history.note(at(tick), level);
        low = std::min(low, level);
        high = std::max(high, level);
      }
      lows.push_back(low);
      highs.push_back(high);
    }
    history.advance(at(2999));
    const std::size_t step = std::bit_ceil((3000 + SiteHistory::kSlots - 1) / SiteHistory::kSlots);
    ASSERT_EQ(history.count(), 2999 / step + 1);
    for (std::size_t i = 0; i < history.count(); ++i) {
      const auto first = static_cast<std::ptrdiff_t>(i * step);
      const auto end = static_cast<std::ptrdiff_t>(std::min<std::size_t>(3000, (i + 1) * step));
      EXPECT_EQ(history[i].low, *std::min_element(lows.begin() + first, lows.begin() + end));
      EXPECT_EQ(history[i].high, *std::max_element(highs.begin() + first, highs.begin() + end));
    }
  }
}

TEST(WorkClock, GoesByWorkAndByTime) {
  WorkClock clock;
  clock.begin(1'000'000);
  EXPECT_EQ(clock.at(1'000'099).tick, 0U);
  EXPECT_EQ(clock.at(1'000'100).tick, 1U);
  for (int i = 0; i < 50; ++i) clock.note_sample();
  EXPECT_EQ(clock.at(1'000'100).tick, 51U);
  EXPECT_EQ(clock.at(999'000).tick, 50U);  // looked at too early
  EXPECT_EQ(clock.at(UINT64_MAX).tick, UINT32_MAX);
  EXPECT_EQ(clock.began().ms, 1'000'000U);
}

}  // namespace
}  // namespace luna
