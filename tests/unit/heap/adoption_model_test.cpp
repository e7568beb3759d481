// SPDX-License-Identifier: MIT
// A model of slabs that change owners while others free into them: the thread of heap A ends and
// parks it, that of heap B adopts a slab, a new thread takes heap A, and a fourth frees two blocks.
// Each step is one of HeapList, ThreadHeap::drain(), publish_freed() and push_to_owner(). What must
// hold: no freed block is lost, the slab is on one stack at most, and one thread at a time is at
// it. The release of slabs and their next lives: heap/remote_protocol_model.hpp.
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

// What is done otherwise than it should be.
enum class Variant : std::uint8_t {
  kSound,
  kAdoptByFirstLook,   // whether the heap is parked is not asked again under the lock
  kDrainWithoutALook,  // what comes off a stack counts as the heap's own
  kPassOnUnlisted,     // drain() makes a slab of another heap one that can be listed again
  kPushRelaxed,        // who takes a stack may find links that are not there yet
  kLookBeforeTheBits,  // who frees looks at `listed` with less than one order for all
};

enum Place : std::size_t { kBits, kListed, kOwner, kStackA, kStackB, kNext, kLock, kParked, kSlab };

constexpr std::uint8_t kA = 1;
constexpr std::uint8_t kB = 2;

[[nodiscard]] constexpr std::size_t stack_of(std::uint8_t heap) {
  return heap == kA ? kStackA : kStackB;
}

class Adoption {
 public:
  explicit Adoption(Variant variant) : variant_(variant) {}

  // Of a thread that owns nothing here. `bit` is that of its block.
  void free_block(ModelThread& self, std::uint8_t bit) const {
    const bool early = variant_ == Variant::kLookBeforeTheBits;
    self.fetch_or(kBits, bit, early ? kRelaxed : kAll);
    if (self.load(kListed, early ? kRelaxed : kAll) != 0) return;
    if (self.exchange(kListed, 1, kAll) == 0) push_to_owner(self);
  }

  // Of the thread that has A.
  void park(ModelThread& self) const {
    self.write(kSlab, 0);
    drain(self, kA);
    self.lock(kLock);
    self.store(kParked, 1, kRelaxed);
    self.unlock(kLock);
  }

  // Of the thread that has B.
  void adopt(ModelThread& self) const {
    const bool hasty = variant_ == Variant::kAdoptByFirstLook;
    if (hasty && self.load(kParked, kRelaxed) == 0) return;
    if (!self.try_lock(kLock)) return;
    const bool is_parked =
        self.load(kOwner, kAcquire) == kA && (hasty || self.load(kParked, kRelaxed) == 1);
    if (is_parked) {
      drain(self, kA);
      self.write(kSlab, 0);
      self.store(kOwner, kB, kAll);
    }
    self.unlock(kLock);
    if (!is_parked) return;
    drain(self, kB);
    self.write(kSlab, 0);
  }

  // Of a new thread.
  void attach(ModelThread& self) const {
    self.lock(kLock);
    const bool is_parked = self.load(kParked, kRelaxed) == 1;
    self.store(kParked, 0, kRelaxed);
    self.unlock(kLock);
    if (!is_parked) return;
    drain(self, kA);
    if (self.load(kOwner, kRelaxed) == kA) self.write(kSlab, 0);
  }

 private:
  void push_to_owner(ModelThread& self) const {
    const std::uint8_t owner = self.load(kOwner, kAcquire);
    self.write(kNext, 0);
    const auto order = variant_ == Variant::kPushRelaxed ? kRelaxed : kRelease;
    const bool is_there = self.exchange(stack_of(owner), 1, order) == 1;
    ModelThread::expect(!is_there, "the slab is on a stack twice");
  }

  void drain(ModelThread& self, std::uint8_t heap) const {
    if (self.exchange(stack_of(heap), 0, kAcquire) == 0) return;
    self.look(kNext);
    if (self.load(kOwner, kRelaxed) != heap && variant_ != Variant::kDrainWithoutALook) {
      if (variant_ == Variant::kPassOnUnlisted) self.exchange(kListed, 0, kAll);
      return push_to_owner(self);
    }
    self.exchange(kListed, 0, kAll);
    if (self.load(kBits, kAll) == 0) return;
    self.exchange(kBits, 0, kAll);
    self.write(kSlab, 0);
  }

  Variant variant_;
};

[[nodiscard]] const char* what_is_lost(const ModelEnd& end) {
  const int stacks = end.value(kStackA) + end.value(kStackB);
  if (stacks > 1) return "the slab is on two stacks";
  if (stacks != end.value(kListed)) return "the slab can never be listed again";
  return end.value(kBits) != 0 && stacks == 0 ? "a freed block is lost" : nullptr;
}

[[nodiscard]] test::Explored explore(Variant variant) {
  const Adoption adoption(variant);
  return Protocol(
             {"bits", "listed", "owner", "stack A", "stack B", "next", "lock", "parked", "slab"})
      .begin(kOwner, kA)
      .thread("frees",
              [=](ModelThread& self) {
                adoption.free_block(self, 1);
                adoption.free_block(self, 2);
              })
      .thread("ends", [=](ModelThread& self) { adoption.park(self); })
      .thread("adopts", [=](ModelThread& self) { adoption.adopt(self); })
      .thread("begins", [=](ModelThread& self) { adoption.attach(self); })
      .at_end(what_is_lost)
      .explore();
}

TEST(AdoptionModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 10'000));
}

TEST(AdoptionModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(&explore, {{Variant::kAdoptByFirstLook, "a data race"},
                                       {Variant::kDrainWithoutALook, "a data race"},
                                       {Variant::kPassOnUnlisted, "a data race"},
                                       {Variant::kPushRelaxed, "a data race"},
                                       {Variant::kLookBeforeTheBits, "a freed block is lost"}}));
}

}  // namespace
}  // namespace luna
