// SPDX-License-Identifier: MIT
// A model of the end of a named heap, and its next life, while others free into it: NamedHeaps::
// deallocate() and reset(). What must hold: who frees is done before the heap is emptied, and what
// is freed after that is of nobody. Arenas rest before others have their addresses (ArenaStore), so
// a region that is gone stays so as long as a free may take; that this is long enough is not
// proved here.
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
  kBeginReleases,      // ThreadParts::begin() in less than one order for all
  kAliveIsAcquired,    // NamedHeap::is_alive()
  kDeathIsReleased,    // NamedHeap::set_alive()
  kBusyIsAcquired,     // ThreadParts::is_busy_with()
  kEndRelaxed,         // ThreadParts::end()
  kNoSecondLook,       // a block's heap is not looked for again by who is at it
  kEmptyWithoutAWait,  // nobody waits for those that are at it
};

enum Place : std::size_t { kAlive, kBusy, kBusyOfOther, kRegion, kBlock, kOtherBlock };

constexpr std::uint8_t kGone = 1;  // of regions; 0: the heap's
constexpr std::uint8_t kFreed = 1;
constexpr std::uint8_t kEmptied = 2;

class HeapEnd {
 public:
  explicit HeapEnd(Variant variant) : variant_(variant) {}

  // Of one of two threads, each with a block of its own.
  void free_block(ModelThread& self, std::size_t busy, std::size_t block) const {
    if (self.load(kRegion, kAcquire) == kGone) return;
    self.store(busy, 1, unless(Variant::kBeginReleases, kRelease));
    if (self.load(kAlive, unless(Variant::kAliveIsAcquired, kAcquire)) == 1 && is_there(self)) {
      ModelThread::expect(self.look(block) != kEmptied, "it is freed after it was emptied");
      self.write(block, kFreed);
    }
    self.store(busy, 0, variant_ == Variant::kEndRelaxed ? kRelaxed : kRelease);
  }

  void reset(ModelThread& self) const {
    self.store(kAlive, 0, unless(Variant::kDeathIsReleased, kRelease));
    if (variant_ != Variant::kEmptyWithoutAWait) {
      self.await(kBusy, 0, unless(Variant::kBusyIsAcquired, kAcquire));
      self.await(kBusyOfOther, 0, unless(Variant::kBusyIsAcquired, kAcquire));
    }
    self.store(kRegion, kGone, kRelease);
    self.write(kBlock, kEmptied);
    self.write(kOtherBlock, kEmptied);
    self.store(kAlive, 1, kAll);
  }

 private:
  [[nodiscard]] std::memory_order unless(Variant broken, std::memory_order order) const {
    return variant_ == broken ? order : kAll;
  }
  [[nodiscard]] bool is_there(ModelThread& self) const {
    return variant_ == Variant::kNoSecondLook || self.load(kRegion, kAcquire) != kGone;
  }

  Variant variant_;
};

[[nodiscard]] test::Explored explore(Variant variant) {
  const HeapEnd heap(variant);
  return Protocol({"alive", "busy", "busy of the other", "region", "block", "other block"})
      .begin(kAlive, 1)
      .thread("frees", [=](ModelThread& self) { heap.free_block(self, kBusy, kBlock); })
      .thread("frees too",
              [=](ModelThread& self) { heap.free_block(self, kBusyOfOther, kOtherBlock); })
      .thread("ends", [=](ModelThread& self) { heap.reset(self); })
      .explore();
}

TEST(HeapEndModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 500));
}

TEST(HeapEndModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(&explore, {{Variant::kBeginReleases, "a data race"},
                                       {Variant::kAliveIsAcquired, "a data race"},
                                       {Variant::kDeathIsReleased, "a data race"},
                                       {Variant::kBusyIsAcquired, "a data race"},
                                       {Variant::kEndRelaxed, "a data race"},
                                       {Variant::kNoSecondLook, "it is freed after it was emptied"},
                                       {Variant::kEmptyWithoutAWait, "a data race"}}));
}

}  // namespace
}  // namespace luna
