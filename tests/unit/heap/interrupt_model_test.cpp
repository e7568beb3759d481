// SPDX-License-Identifier: MIT
// A model of how a thread is made to come by (ThreadCache::interrupt(), HeapList::interrupt_all())
// while it aims its fast path anew (ThreadCache::take_from(), ThreadHeap::aim()). What must hold
// when both are done: nobody goes on with a setting of before unless he comes by at the next
// allocation of any size, and no size takes the slow path for ever.
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
constexpr auto kAll = std::memory_order_seq_cst;

enum class Variant : std::uint8_t {
  kSound,
  kTakeFromWithoutFence,    // take_from()
  kInterruptWithoutFence,   // ThreadCache::interrupt()
  kNoFenceAfterTheSetting,  // interrupt_all()
  kNoFenceBeforeTheLook,    // aim(), between its pointers and its last look at the setting
  kNoLastLook,              // aim() does not look at all
  kNoticeWithoutFence,      // notice_interrupt()
};

enum Place : std::size_t { kEpoch, kSources, kDirect };

// What the pointers say.
constexpr std::uint8_t kNothing = 0;
constexpr std::uint8_t kSupply = 1;

class Thread {
 public:
  Thread(ModelThread& self, Variant variant) : self_(self), variant_(variant) {}

  // Once for a reason of its own, then at a slow path.
  void run() {
    aim();
    if (self_.load(kSources, kRelaxed) != kSupply) notice_interrupt();
    self_.note(seen_);
  }

 private:
  void fence(Variant broken, std::memory_order order = kAll) {
    if (variant_ != broken) self_.fence(order);
  }

  void look_at_samples() { seen_ = self_.load(kEpoch, kAcquire); }

  void aim() {
    self_.store(kSources, kSupply, kRelaxed);
    fence(Variant::kTakeFromWithoutFence);
    self_.store(kDirect, kSupply, kRelaxed);
    fence(Variant::kNoFenceBeforeTheLook);
    if (variant_ != Variant::kNoLastLook) look_at_samples();
  }

  void notice_interrupt() {
    fence(Variant::kNoticeWithoutFence, kAcquire);
    look_at_samples();
    ModelThread::expect(seen_ != 0, "it came by for a setting that it does not see");
    aim();
  }

  ModelThread& self_;
  Variant variant_;
  std::uint8_t seen_ = 0;
};

void interrupt_all(ModelThread& self, Variant variant) {
  self.fetch_add(kEpoch, 1, kRelease);
  if (variant != Variant::kNoFenceAfterTheSetting) self.fence(kAll);
  self.store(kDirect, kNothing, kRelaxed);
  if (variant != Variant::kInterruptWithoutFence) self.fence(kAll);
  self.store(kSources, kNothing, kRelaxed);
}

[[nodiscard]] const char* what_is_wrong(const ModelEnd& end) {
  const bool direct = end.value(kDirect) == kSupply;
  const bool sources = end.value(kSources) == kSupply;
  if (sources && !direct) return "a size takes the slow path for ever";
  const bool is_new = end.results[0] == end.value(kEpoch);
  return (sources || direct) && !is_new ? "an interruption is lost" : nullptr;
}

[[nodiscard]] test::Explored explore(Variant variant) {
  return Protocol({"epoch", "sources", "direct"})
      .begin(kSources, kSupply)
      .begin(kDirect, kSupply)
      .thread("thread", [=](ModelThread& self) { Thread(self, variant).run(); })
      .thread("setter", [=](ModelThread& self) { interrupt_all(self, variant); })
      .at_end(what_is_wrong)
      .explore();
}

TEST(InterruptModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 100));
}

TEST(InterruptModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(
      &explore, {{Variant::kTakeFromWithoutFence, "a size takes the slow path for ever"},
                 {Variant::kInterruptWithoutFence, "a size takes the slow path for ever"},
                 {Variant::kNoFenceAfterTheSetting, "an interruption is lost"},
                 {Variant::kNoFenceBeforeTheLook, "an interruption is lost"},
                 {Variant::kNoLastLook, "an interruption is lost"},
                 {Variant::kNoticeWithoutFence, "it came by for a setting that it does not see"}}));
}

}  // namespace
}  // namespace luna
