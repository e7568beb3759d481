// SPDX-License-Identifier: MIT
// A model of the lock: os::Lock with the kernel's futex, which looks at the word and falls asleep
// in one step as seen by who wakes. What must hold: one holds it at a time and sees what the one
// before did, and nobody sleeps for ever.
#include "support/interleaver.hpp"
#include "support/model_test.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::ModelThread;
using test::Protocol;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAll = std::memory_order_seq_cst;

enum class Variant : std::uint8_t {
  kSound,
  kLockRelaxed,  // by who need not wait
  kWaitRelaxed,  // by who waits
  kUnlockRelaxed,
  kSleepWithoutALook,  // a waiter sleeps whatever the word is by now
};

enum Place : std::size_t { kState, kData, kQueue, kSleeps, kOtherSleeps };

constexpr std::uint8_t kFree = 0;
constexpr std::uint8_t kHeld = 1;
constexpr std::uint8_t kContended = 2;

class Lock {
 public:
  explicit Lock(Variant variant) : variant_(variant) {}

  // `sleeps` is the kernel's note of the calling thread.
  void lock(ModelThread& self, Place sleeps) const {
    const auto relaxed = [this](Variant broken) {
      return variant_ == broken ? kRelaxed : kAcquire;
    };
    if (self.compare_exchange(kState, kFree, kHeld, relaxed(Variant::kLockRelaxed))) return;
    while (self.exchange(kState, kContended, relaxed(Variant::kWaitRelaxed)) != kFree)
      wait(self, sleeps);
  }

  void unlock(ModelThread& self, Place others) const {
    const auto order = variant_ == Variant::kUnlockRelaxed ? kRelaxed : kRelease;
    if (self.exchange(kState, kFree, order) == kContended) wake(self, others);
  }

 private:
  // The kernel orders both by a lock of its own.
  void wait(ModelThread& self, Place sleeps) const {
    self.lock(kQueue);
    const bool sleeps_now =
        variant_ == Variant::kSleepWithoutALook || self.load(kState, kAll) == kContended;
    if (sleeps_now) self.store(sleeps, 1, kRelaxed);
    self.unlock(kQueue);
    if (sleeps_now) self.await(sleeps, 0, kAcquire);
  }
  static void wake(ModelThread& self, Place sleeps) {
    self.lock(kQueue);
    self.store(sleeps, 0, kRelease);
    self.unlock(kQueue);
  }

  Variant variant_;
};

[[nodiscard]] test::Explored explore(Variant variant) {
  const Lock lock(variant);
  const auto body = [=](Place mine, Place other, int times) {
    return [=](ModelThread& self) {
      for (int i = 0; i < times; ++i) {
        lock.lock(self, mine);
        self.write(kData, 1);
        lock.unlock(self, other);
      }
    };
  };
  return Protocol({"state", "data", "queue", "sleeps", "other sleeps"})
      .thread("one", body(kSleeps, kOtherSleeps, 2))
      .thread("two", body(kOtherSleeps, kSleeps, 1))
      .explore();
}

TEST(LockModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 100));
}

TEST(LockModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(&explore, {{Variant::kLockRelaxed, "a data race"},
                                       {Variant::kWaitRelaxed, "a data race"},
                                       {Variant::kUnlockRelaxed, "a data race"},
                                       {Variant::kSleepWithoutALook, "nobody can go on"}}));
}

}  // namespace
}  // namespace luna
