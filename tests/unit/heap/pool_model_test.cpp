// SPDX-License-Identifier: MIT
// Tries every interleaving of allocating, freeing, growing and trimming in the model beside this
// file. What must hold: nobody is denied below the bound, no block is gone while it is in use, and
// who has a place finds a block. Broken variants must be caught, else the search proves nothing.
#include "heap/pool_model.hpp"

#include "support/model_test.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using test::PoolModel;
using test::PoolState;
using test::PoolVariant;

[[nodiscard]] test::Explored explore(PoolVariant variant) {
  return test::explore(PoolModel(variant), PoolState{});
}

TEST(PoolModel, HoldsInEveryInterleaving) {
  EXPECT_TRUE(test::holds(explore(PoolVariant::kSound), 10'000));
}

TEST(PoolModel, IsCaughtWhereItIsBroken) {
  EXPECT_TRUE(test::catches(
      &explore, {{PoolVariant::kDenyBySecondLook, "denied below the bound"},
                 {PoolVariant::kRetireWithoutClosing, "a block is gone that is in use"},
                 {PoolVariant::kAddOpenChunk, "a block is gone that is in use"},
                 {PoolVariant::kClosePlacesLater, "a thread searches where nothing is"}}));
}

}  // namespace
}  // namespace luna
