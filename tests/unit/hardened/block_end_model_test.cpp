// SPDX-License-Identifier: MIT
// A model of the last word of a block, which says who ends its use: hardened/block_end.hpp. What
// must hold: of two threads that free a block at the same time one gets it, and the other tells;
// who gets it next finds zeros, and nobody takes away the canary that he writes.
#include "support/interleaver.hpp"
#include "support/model_test.hpp"

#include <gtest/gtest.h>

namespace luna::hardened {
namespace {

using test::ModelEnd;
using test::ModelThread;
using test::Protocol;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kBoth = std::memory_order_acq_rel;

enum class Variant : std::uint8_t {
  kSound,
  kPlainEnd,     // as if the process had but one thread: the word is stored, not exchanged
  kListedFirst,  // the block is given to its list before it is cleared
  kClearedLast,  // the word is made zero with the rest, behind what the next owner may have begun
};

enum Place : std::size_t { kEnd, kContents, kList };

constexpr std::uint8_t kCanary = 7;
constexpr std::uint8_t kWritten = 9;

// True: the block is the caller's now. Else it tells of a double free.
[[nodiscard]] bool end_use(ModelThread& self, Variant variant) {
  if (self.load(kEnd, kRelaxed) != kCanary) return false;
  if (variant == Variant::kPlainEnd) {
    self.store(kEnd, 0, kRelaxed);
    return true;
  }
  return variant == Variant::kClearedLast || self.compare_exchange(kEnd, kCanary, 0, kBoth);
}

void free_block(ModelThread& self, Variant variant) {
  if (!end_use(self, variant)) return;
  self.note(1);
  if (variant == Variant::kListedFirst) self.store(kList, 1, kRelease);
  self.write(kContents, 0);
  self.store(kList, 1, kRelease);
  if (variant == Variant::kClearedLast) self.store(kEnd, 0, kRelaxed);
}

// Of a list in which it finds the block, through which all that the last owner did is seen.
void allocate(ModelThread& self) {
  self.await(kList, 1, kAcquire);
  ModelThread::expect(self.look(kContents) == 0, "the block is not cleared");
  ModelThread::expect(self.load(kEnd, kRelaxed) == 0, "the block is in use");
  self.store(kEnd, kCanary, kRelaxed);
  self.write(kContents, kWritten);
}

[[nodiscard]] Protocol one_block() {
  Protocol protocol({"end", "contents", "list"});
  protocol.begin(kEnd, kCanary).begin(kContents, kWritten);
  return protocol;
}

[[nodiscard]] test::Explored explore_double_free(Variant variant) {
  return one_block()
      .thread("frees", [=](ModelThread& self) { free_block(self, variant); })
      .thread("frees too", [=](ModelThread& self) { free_block(self, variant); })
      .at_end([](const ModelEnd& end) -> const char* {
        return end.results[0] + end.results[1] == 1 ? nullptr : "it is not freed once";
      })
      .explore();
}

[[nodiscard]] test::Explored explore_next_use(Variant variant) {
  return one_block()
      .thread("frees", [=](ModelThread& self) { free_block(self, variant); })
      .thread("allocates", [](ModelThread& self) { allocate(self); })
      .at_end([](const ModelEnd& end) -> const char* {
        return end.value(kEnd) == kCanary ? nullptr : "the canary is gone";
      })
      .explore();
}

TEST(BlockEndModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore_double_free(Variant::kSound), 10));
  EXPECT_TRUE(test::holds(explore_next_use(Variant::kSound), 8));
}

TEST(BlockEndModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(&explore_double_free, {{Variant::kPlainEnd, "a data race"}}));
  EXPECT_TRUE(test::catches(&explore_next_use, {{Variant::kListedFirst, "the block is not cleared"},
                                                {Variant::kClearedLast, "the block is in use"}}));
}

}  // namespace
}  // namespace luna::hardened
