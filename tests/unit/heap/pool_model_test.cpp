// SPDX-License-Identifier: MIT
// Tries every interleaving of allocating, freeing, growing and trimming in the model beside this
// file. What must hold: nobody is denied below the bound, no block is gone while it is in use, and
// who has a place finds a block. Broken variants must be caught, else the search proves nothing.
#include "heap/pool_model.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>

namespace luna {
namespace {

using test::PoolModel;
using test::PoolState;
using test::PoolVariant;

struct Explored {
  std::size_t states = 0;
  std::string complaint;
};

[[nodiscard]] Explored explore(PoolVariant variant) {
  const PoolModel model(variant);
  std::set<PoolState> seen = {PoolState{}};
  std::deque<const PoolState*> waiting = {&*seen.begin()};
  while (!waiting.empty()) {
    const PoolState* state = waiting.front();
    waiting.pop_front();
    if (const char* complaint = PoolModel::complaint(*state); complaint != nullptr)
      return {seen.size(), complaint};
    model.for_each_next(*state, [&](const PoolState& next) {
      const auto [at, is_new] = seen.insert(next);
      if (is_new) waiting.push_back(&*at);
    });
  }
  return {seen.size(), ""};
}

TEST(PoolModel, HoldsInEveryInterleaving) {
  const Explored result = explore(PoolVariant::kSound);

  EXPECT_EQ(result.complaint, "");
  EXPECT_GT(result.states, 10'000U);
}

struct BrokenPool {
  PoolVariant variant;
  const char* complaint;
};

class BrokenPoolModel : public testing::TestWithParam<BrokenPool> {};

TEST_P(BrokenPoolModel, IsCaught) {
  EXPECT_EQ(explore(GetParam().variant).complaint, GetParam().complaint);
}

INSTANTIATE_TEST_SUITE_P(
    PoolModel, BrokenPoolModel,
    testing::Values(
        BrokenPool{PoolVariant::kDenyBySecondLook, "denied below the bound"},
        BrokenPool{PoolVariant::kRetireWithoutClosing, "a block is gone that is in use"},
        BrokenPool{PoolVariant::kAddOpenChunk, "a block is gone that is in use"},
        BrokenPool{PoolVariant::kClosePlacesLater, "a thread searches where nothing is"}));

}  // namespace
}  // namespace luna
