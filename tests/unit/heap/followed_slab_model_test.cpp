// SPDX-License-Identifier: MIT
// A model of how the owner of a named heap's slab is found by others (Allocator::owner_of_named())
// while the thread that it follows ends (NamedHeaps::try_detach()), and another one begins with the
// same thread heap. What must hold: who looks finds the part that owns the slab, after one more
// look at most.
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

enum class Variant : std::uint8_t {
  kSound,
  kForgetBeforeRenaming,  // the part is taken out before its slabs bear its own name
  kPartIsRelaxed,         // ThreadParts::at_of_other()
  kForgetRelaxed,         // ThreadParts::set()
};

enum Place : std::size_t { kOwner, kParts, kPart };

// What the owner's word names.
constexpr std::uint8_t kThreadHeap = 1;
constexpr std::uint8_t kPartItself = 2;

void end_thread(ModelThread& self, Variant variant) {
  const bool early = variant == Variant::kForgetBeforeRenaming;
  const auto forget = variant == Variant::kForgetRelaxed ? kRelaxed : kRelease;
  if (early) self.store(kPart, 0, forget);
  self.store(kOwner, kPartItself, kRelease);
  if (!early) self.store(kPart, 0, forget);
  self.store(kParts, 0, kRelease);
}

// Of the two pointers that may be missing, each is worth another look.
void find_owner(ModelThread& self, Variant variant) {
  for (int looks = 0; self.load(kOwner, kAcquire) == kThreadHeap; ++looks) {
    ModelThread::expect(looks < 1, "it looks again though it knows that the part is gone");
    const bool relaxed = variant == Variant::kPartIsRelaxed;
    const bool has_parts = self.load(kParts, kAcquire) != 0;
    if (has_parts && self.load(kPart, relaxed ? kRelaxed : kAcquire) != 0) return;
  }
}

[[nodiscard]] test::Explored explore(Variant variant) {
  return Protocol({"owner", "parts", "part"})
      .begin(kOwner, kThreadHeap)
      .begin(kParts, 1)
      .begin(kPart, 1)
      .thread("ends", [=](ModelThread& self) { end_thread(self, variant); })
      .thread("frees", [=](ModelThread& self) { find_owner(self, variant); })
      .thread("frees too", [=](ModelThread& self) { find_owner(self, variant); })
      .explore();
}

TEST(FollowedSlabModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 100));
}

TEST(FollowedSlabModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(
      &explore,
      {{Variant::kForgetBeforeRenaming, "it looks again though it knows that the part is gone"},
       {Variant::kPartIsRelaxed, "it looks again though it knows that the part is gone"},
       {Variant::kForgetRelaxed, "it looks again though it knows that the part is gone"}}));
}

}  // namespace
}  // namespace luna
