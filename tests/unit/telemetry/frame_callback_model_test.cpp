// SPDX-License-Identifier: MIT
// A model of a function of the program that is taken off while others may be in it: FrameCallback.
// What must hold: when clear() has returned nobody is in it, and who calls it has its context.
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
  kCountIsAcquired,  // a caller counts itself in less than one order for all
  kClearIsReleased,  // and so does who takes it off
  kNoSecondLook,     // a caller calls what it saw before it was counted
};

enum Place : std::size_t { kFunction, kCallers, kContext };

constexpr std::uint8_t kGone = 2;

void call(ModelThread& self, Variant variant) {
  std::uint8_t function = self.load(kFunction, kRelaxed);
  if (function == 0) return;
  const bool weak = variant == Variant::kCountIsAcquired;
  self.fetch_add(kCallers, 1, weak ? kAcquire : kAll);
  if (variant != Variant::kNoSecondLook) function = self.load(kFunction, weak ? kAcquire : kAll);
  if (function != 0) ModelThread::expect(self.look(kContext) != kGone, "it is in what is gone");
  self.fetch_add(kCallers, 0xff, kAll);
}

void set_and_clear(ModelThread& self, Variant variant) {
  self.write(kContext, 1);
  self.store(kFunction, 1, kAll);
  const bool weak = variant == Variant::kClearIsReleased;
  self.store(kFunction, 0, weak ? kRelease : kAll);
  self.await(kCallers, 0, weak ? kAcquire : kAll);
  self.write(kContext, kGone);
}

[[nodiscard]] test::Explored explore(Variant variant) {
  return Protocol({"function", "callers", "context"})
      .thread("calls", [=](ModelThread& self) { call(self, variant); })
      .thread("calls too", [=](ModelThread& self) { call(self, variant); })
      .thread("sets and clears", [=](ModelThread& self) { set_and_clear(self, variant); })
      .explore();
}

TEST(FrameCallbackModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 400));
}

TEST(FrameCallbackModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(&explore, {{Variant::kCountIsAcquired, "a data race"},
                                       {Variant::kClearIsReleased, "a data race"},
                                       {Variant::kNoSecondLook, "a data race"}}));
}

}  // namespace
}  // namespace luna
