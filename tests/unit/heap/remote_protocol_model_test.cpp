// SPDX-License-Identifier: MIT
// Tries every interleaving of remote frees in the model beside this file. What
// must hold: no freed block is lost, a slab is in one place at a time, and none
// is released with a block out. Broken variants of the protocol must be caught,
// else the search proves nothing.
#include "heap/remote_protocol_model.hpp"

#include "support/model_test.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::Model;
using test::State;
using test::Variant;

[[nodiscard]] test::Explored explore(Variant variant) {
  return test::explore(Model(variant), State{});
}

TEST(RemoteProtocol, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(Variant::kSound), 10'000));
}

TEST(RemoteProtocol, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(
      &explore, {{Variant::kUnlistAfterCollecting, "a freed block is lost"},
                 {Variant::kPublishBitsAfterListing, "a freed block is lost"},
                 {Variant::kPushOrphanWithoutALook, "it is pushed to no owner"},
                 {Variant::kReadOwnerBeforeUnlisting, "a freed block is lost"},
                 {Variant::kReleaseWithoutCounting, "it was released with a block out"}}));
}

}  // namespace
}  // namespace luna
