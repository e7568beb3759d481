// SPDX-License-Identifier: MIT
// What the models rest on: the small programs by which memory models are told apart, each with
// what C++ allows and what it forbids. One that could not be seen would make the models blind, one
// that must not be seen would make them lie.
#include "support/interleaver.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::ModelEnd;
using test::ModelThread;
using test::Protocol;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kBoth = std::memory_order_acq_rel;
constexpr auto kAll = std::memory_order_seq_cst;

constexpr std::size_t kX = 0;
constexpr std::size_t kY = 1;
constexpr const char* kSeen = "seen";

[[nodiscard]] std::string passing_a_message(std::memory_order store, std::memory_order load) {
  return Protocol({"x", "y"})
      .thread("writer",
              [=](ModelThread& self) {
                self.write(kX, 1);
                self.store(kY, 1, store);
              })
      .thread("reader",
              [=](ModelThread& self) {
                if (self.load(kY, load) == 1) ModelThread::expect(self.look(kX) == 1, "stale");
              })
      .explore()
      .complaint;
}

TEST(Interleaver, APlainMessageNeedsReleaseAndAcquire) {
  EXPECT_EQ(passing_a_message(kRelease, kAcquire), "");
  EXPECT_EQ(passing_a_message(kRelaxed, kAcquire), "a data race");
  EXPECT_EQ(passing_a_message(kRelease, kRelaxed), "a data race");
}

// Each of two threads stores, then looks for what the other stored: Dekker's.
[[nodiscard]] std::string storing_then_looking(std::memory_order store, std::memory_order load,
                                               bool fence) {
  const auto body = [=](std::size_t mine, std::size_t other) {
    return [=](ModelThread& self) {
      self.store(mine, 1, store);
      if (fence) self.fence(kAll);
      self.note(self.load(other, load));
    };
  };
  return Protocol({"x", "y"})
      .thread("one", body(kX, kY))
      .thread("two", body(kY, kX))
      .at_end([](const ModelEnd& end) {
        return end.results[0] + end.results[1] == 0 ? kSeen : nullptr;
      })
      .explore()
      .complaint;
}

TEST(Interleaver, BothMayMissTheOtherUnlessAllIsInOneOrder) {
  EXPECT_EQ(storing_then_looking(kRelease, kAcquire, false), kSeen);
  EXPECT_EQ(storing_then_looking(kAll, kAcquire, false), kSeen);
  EXPECT_EQ(storing_then_looking(kAll, kAll, false), "");
  EXPECT_EQ(storing_then_looking(kRelaxed, kRelaxed, true), "");
}

// Two threads store to two places in opposite order; each place ends with the first store to it.
[[nodiscard]] std::string storing_twice(std::memory_order order, bool fence) {
  const auto body = [=](std::size_t first, std::size_t second, std::uint8_t value) {
    return [=](ModelThread& self) {
      self.store(first, value, order);
      if (fence) self.fence(kAll);
      self.store(second, value, order);
    };
  };
  return Protocol({"x", "y"})
      .thread("one", body(kX, kY, 1))
      .thread("two", body(kY, kX, 2))
      .at_end([](const ModelEnd& end) {
        return end.value(kX) == 1 && end.value(kY) == 2 ? kSeen : nullptr;
      })
      .explore()
      .complaint;
}

TEST(Interleaver, StoresOfTwoMayCrossUnlessAllIsInOneOrder) {
  EXPECT_EQ(storing_twice(kRelease, false), kSeen);
  EXPECT_EQ(storing_twice(kAll, false), "");
  EXPECT_EQ(storing_twice(kRelaxed, true), "");
}

// Two readers see two stores of others in opposite orders.
[[nodiscard]] std::string reading_in_two_orders(std::memory_order store, std::memory_order load) {
  const auto reader = [=](std::size_t first, std::size_t second) {
    return [=](ModelThread& self) {
      const bool saw = self.load(first, load) == 1;
      self.note(saw && self.load(second, load) == 0);
    };
  };
  return Protocol({"x", "y"})
      .thread("x", [=](ModelThread& self) { self.store(kX, 1, store); })
      .thread("y", [=](ModelThread& self) { self.store(kY, 1, store); })
      .thread("reads x", reader(kX, kY))
      .thread("reads y", reader(kY, kX))
      .at_end([](const ModelEnd& end) {
        return end.results[2] + end.results[3] == 2 ? kSeen : nullptr;
      })
      .explore()
      .complaint;
}

TEST(Interleaver, ReadersMayDifferOnTheOrderUnlessThereIsOne) {
  EXPECT_EQ(reading_in_two_orders(kRelease, kAcquire), kSeen);
  EXPECT_EQ(reading_in_two_orders(kAll, kAll), "");
}

TEST(Interleaver, AnExchangeReadsTheLastAndPassesOnWhatCameBefore) {
  const auto counting = [](ModelThread& self) { self.fetch_add(kX, 1, kRelaxed); };
  const test::Explored counted =
      Protocol({"x"})
          .thread("one", counting)
          .thread("two", counting)
          .thread("three", counting)
          .at_end([](const ModelEnd& end) { return end.value(kX) == 3 ? nullptr : "one is lost"; })
          .explore();
  const test::Explored passed =
      Protocol({"x", "y"})
          .thread("writer",
                  [](ModelThread& self) {
                    self.write(kY, 1);
                    self.store(kX, 1, kRelease);
                  })
          .thread("between", [](ModelThread& self) { self.compare_exchange(kX, 1, 2, kRelaxed); })
          .thread("reader",
                  [](ModelThread& self) {
                    if (self.load(kX, kAcquire) == 2) self.look(kY);
                  })
          .explore();

  EXPECT_EQ(counted.complaint, "") << counted.steps;
  EXPECT_EQ(passed.complaint, "") << passed.steps;
}

TEST(Interleaver, ALockOrdersAndOneThatIsNotGivenBackIsNoticed) {
  const auto body = [](bool unlocks) {
    return [=](ModelThread& self) {
      self.lock(kX);
      self.write(kY, static_cast<std::uint8_t>(self.look(kY) + 1));
      if (unlocks) self.unlock(kX);
    };
  };
  const auto explore = [&](bool unlocks) {
    return Protocol({"lock", "count"})
        .thread("one", body(unlocks))
        .thread("two", body(true))
        .at_end([](const ModelEnd& end) { return end.value(kY) == 2 ? nullptr : "one is lost"; })
        .explore()
        .complaint;
  };

  EXPECT_EQ(explore(true), "");
  EXPECT_EQ(explore(false), "nobody can go on");
}

TEST(Interleaver, RelaxedStoresCarryWhatAFenceReleased) {
  const auto explore = [](bool fence) {
    return Protocol({"x", "y"})
        .thread("writer",
                [=](ModelThread& self) {
                  self.write(kX, 1);
                  if (fence) self.fence(kBoth);
                  self.store(kY, 1, kRelaxed);
                })
        .thread("reader",
                [](ModelThread& self) {
                  const bool is_there = self.load(kY, kRelaxed) == 1;
                  self.fence(kAcquire);
                  if (is_there) self.look(kX);
                })
        .explore()
        .complaint;
  };

  EXPECT_EQ(explore(true), "");
  EXPECT_EQ(explore(false), "a data race");
}

}  // namespace
}  // namespace luna
