// SPDX-License-Identifier: MIT
// Tries every interleaving of pushes and pops in the model beside this file. What must hold: each
// block comes out once, those of a thread in their order, and no cell is written or read out of
// turn. Broken variants must be caught, else the search proves nothing.
#include "heap/block_queue_model.hpp"

#include "support/model_test.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::QueueModel;
using test::QueueState;
using test::QueueVariant;

[[nodiscard]] test::Explored explore(QueueVariant variant) {
  return test::explore(QueueModel(variant), QueueState{});
}

TEST(BlockQueueModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(QueueVariant::kSound), 10'000));
}

TEST(BlockQueueModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(
      test::catches(&explore, {{QueueVariant::kPublishBeforeWriting, "an empty cell is popped"},
                               {QueueVariant::kReleaseBeforeReading, "a block is overwritten"},
                               {QueueVariant::kPushWithoutATurn, "a block is overwritten"},
                               {QueueVariant::kClaimWithoutALook, "a block is overwritten"}}));
}

}  // namespace
}  // namespace luna
