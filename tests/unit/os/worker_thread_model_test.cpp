// SPDX-License-Identifier: MIT
// Models of the worker thread: that it is started, ends and is stopped while others want it
// (WorkerThread::start(), ends(), stop()), and that it is woken where it waits for files (sleep(),
// sleep_apart(), wake()). What must hold: a wish is seen by the one that runs or by one more that
// is started, who stops it is not followed by a start, who wakes it is not slept through, and by a
// signal he wakes nobody else; of signals none is taken but one that was sent so.
#include "support/interleaver.hpp"
#include "support/model_test.hpp"

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

enum class Variant : std::uint8_t {
  kSound,
  kEndIsRelaxed,       // ends() says that none runs, without taking what others said before
  kNoLastLook,         // ends() does not look again whether it is wanted
  kStartIsReleased,    // start() in less than one order for all
  kAwaitedIsReleased,  // sleep() says where it waits in less than one order for all
  kWokenIsRelaxed,     // sleep() takes a waking without what came before it
  kNoWakers,           // sleep_apart() does not wait for who is about to send a signal
  kGoesDeaf,           // sleep_apart() takes a signal for an earlier waking for the program's
  kSignalIsTaken,      // sleep_apart() takes a signal whether or not one was sent
};

enum Place : std::size_t { kWish, kStarted, kStopped, kWoken, kAwaited, kSocket };
enum Ringing : std::size_t { kSignal = kSocket, kWakers, kRung, kSleeper };

// True: there is a thread more.
[[nodiscard]] bool start(ModelThread& self, Variant variant) {
  const bool weak = variant == Variant::kStartIsReleased;
  if (self.exchange(kStarted, 1, weak ? kBoth : kAll) == 1) return false;
  if (self.load(kStopped, kAll) == 0) return true;
  self.store(kStarted, 0, kRelaxed);
  return false;
}

// The results are whether the wish is granted.
void want(ModelThread& self, Variant variant) {
  self.store(kWish, 1, kRelaxed);
  self.note(start(self, variant));
}

void end(ModelThread& self, Variant variant) {
  self.exchange(kStarted, 0, variant == Variant::kEndIsRelaxed ? kRelaxed : kBoth);
  if (variant == Variant::kNoLastLook) return;
  self.note(self.load(kWish, kRelaxed) == 1 && self.exchange(kStarted, 1, kBoth) == 0);
}

[[nodiscard]] test::Explored explore_ending(Variant variant) {
  return Protocol({"wish", "started", "stopped"})
      .begin(kStarted, 1)
      .thread("wants", [=](ModelThread& self) { want(self, variant); })
      .thread("ends", [=](ModelThread& self) { end(self, variant); })
      .at_end([](const ModelEnd& end) {
        if (end.results[0] + end.results[1] > 1) return "two run";
        return end.results[0] + end.results[1] == 0 ? "a wish is lost" : nullptr;
      })
      .explore();
}

[[nodiscard]] test::Explored explore_stopping(Variant variant) {
  return Protocol({"wish", "started", "stopped"})
      .thread("starts", [=](ModelThread& self) { self.note(start(self, variant)); })
      .thread("stops",
              [=](ModelThread& self) {
                self.store(kStopped, 1, kAll);
                self.note(self.load(kStarted, kAll) == 0);
              })
      .at_end([](const ModelEnd& end) {
        return end.results[0] + end.results[1] == 2 ? "it starts after it was stopped" : nullptr;
      })
      .explore();
}

void sleep(ModelThread& self, Variant variant) {
  self.store(kAwaited, 1, variant == Variant::kAwaitedIsReleased ? kRelease : kAll);
  if (self.load(kWoken, kAll) == 0) self.await(kSocket, 1, kRelaxed);
  self.store(kAwaited, 0, kRelaxed);
  self.exchange(kWoken, 0, variant == Variant::kWokenIsRelaxed ? kRelaxed : kAcquire);
  ModelThread::expect(self.exchange(kWish, 0, kRelaxed) == 1, "it wakes and sees no wish");
}

void wake(ModelThread& self) {
  self.store(kWish, 1, kRelaxed);
  if (self.exchange(kWoken, 1, kAll) == 0 && self.load(kAwaited, kAll) != 0)
    self.exchange(kSocket, 1, kRelaxed);
}

[[nodiscard]] test::Explored explore_waking(Variant variant) {
  return Protocol({"wish", "started", "stopped", "woken", "awaited", "socket"})
      .thread("sleeps", [=](ModelThread& self) { sleep(self, variant); })
      .thread("wakes", [](ModelThread& self) { wake(self); })
      .explore();
}

// When nobody is about to send a signal.
[[nodiscard]] bool is_rung(ModelThread& self, Variant variant) {
  if (variant != Variant::kNoWakers) self.await(kWakers, 0, kAll);
  return self.load(kRung, kRelaxed) == 1;
}

void end_sleep_apart(ModelThread& self, Variant variant) {
  self.store(kAwaited, 0, kAll);
  if (is_rung(self, variant) || variant == Variant::kSignalIsTaken) {
    ModelThread::expect(self.exchange(kSignal, 0, kRelaxed) == 1, "it takes what nobody sent it");
    self.store(kRung, 0, kRelaxed);
  }
  self.exchange(kWoken, 0, kAcquire);
}

// With the end of the thread, whose number another one gets.
void sleep_apart(ModelThread& self, Variant variant) {
  self.store(kAwaited, 1, kAll);
  if (self.load(kWoken, kAll) == 0) self.await(kSignal, 1, kAcquire);
  end_sleep_apart(self, variant);
  self.write(kSleeper, 1);
}

// Twice, each time for a moment: a signal may come for a waking that the first one took. Only one
// that nobody sent the thread has it sleep on without looking at signals.
void sleep_apart_twice(ModelThread& self, Variant variant) {
  self.store(kAwaited, 1, kAll);
  end_sleep_apart(self, variant);
  self.store(kAwaited, 1, kAll);
  if (self.load(kWoken, kAll) == 0 && self.load(kSignal, kAcquire) == 1)
    ModelThread::expect(
        (variant != Variant::kGoesDeaf && is_rung(self, variant)) || self.load(kWoken, kAll) != 0,
        "it goes deaf");
  end_sleep_apart(self, variant);
}

void ring(ModelThread& self) {
  if (self.exchange(kWoken, 1, kAll) != 0) return;
  self.fetch_add(kWakers, 1, kAll);
  if (self.load(kAwaited, kAll) != 0) {
    ModelThread::expect(self.look(kSleeper) == 0, "it wakes another thread");
    self.store(kSignal, 1, kRelease);
    self.store(kRung, 1, kRelaxed);
  }
  self.fetch_add(kWakers, 0xff, kAll);
}

template <void (*sleeper)(ModelThread&, Variant)>
[[nodiscard]] test::Explored explore_ringing(Variant variant) {
  return Protocol({"wish", "started", "stopped", "woken", "awaited", "signal", "wakers", "rung",
                   "sleeper"})
      .thread("sleeps", [=](ModelThread& self) { sleeper(self, variant); })
      .thread("wakes", [](ModelThread& self) { ring(self); })
      .thread("wakes too", [](ModelThread& self) { ring(self); })
      .explore();
}

// Of all of them the first that complains.
[[nodiscard]] test::Explored explore(Variant variant) {
  test::Explored all;
  for (const auto part : {&explore_ending, &explore_stopping, &explore_waking,
                          &explore_ringing<&sleep_apart>, &explore_ringing<&sleep_apart_twice>}) {
    const test::Explored result = part(variant);
    all.states += result.states;
    if (!result.complaint.empty()) return {all.states, result.complaint, result.steps};
  }
  return all;
}

TEST(WorkerThreadModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 50));
}

TEST(WorkerThreadModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(
      test::catches(&explore, {{Variant::kEndIsRelaxed, "a wish is lost"},
                               {Variant::kNoLastLook, "a wish is lost"},
                               {Variant::kStartIsReleased, "it starts after it was stopped"},
                               {Variant::kAwaitedIsReleased, "nobody can go on"},
                               {Variant::kWokenIsRelaxed, "it wakes and sees no wish"},
                               {Variant::kNoWakers, "a data race"},
                               {Variant::kGoesDeaf, "it goes deaf"},
                               {Variant::kSignalIsTaken, "it takes what nobody sent it"}}));
}

}  // namespace
}  // namespace luna
