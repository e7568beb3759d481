// SPDX-License-Identifier: MIT
// Tries every interleaving of pushes and pops in the model beside this file. What must hold: each
// block comes out once, those of a thread in their order, and no cell is written or read out of
// turn. Broken variants must be caught, else the search proves nothing.
#include "heap/block_queue_model.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>

namespace luna {
namespace {

using test::QueueModel;
using test::QueueState;
using test::QueueVariant;

struct Explored {
  std::size_t states = 0;
  std::string complaint;
};

[[nodiscard]] Explored explore(QueueVariant variant) {
  const QueueModel model(variant);
  std::set<QueueState> seen = {QueueState{}};
  std::deque<const QueueState*> waiting = {&*seen.begin()};
  while (!waiting.empty()) {
    const QueueState* state = waiting.front();
    waiting.pop_front();
    if (const char* complaint = QueueModel::complaint(*state); complaint != nullptr)
      return {seen.size(), complaint};
    model.for_each_next(*state, [&](const QueueState& next) {
      const auto [at, is_new] = seen.insert(next);
      if (is_new) waiting.push_back(&*at);
    });
  }
  return {seen.size(), ""};
}

TEST(BlockQueueModel, HoldsInEveryInterleaving) {
  const Explored result = explore(QueueVariant::kSound);

  EXPECT_EQ(result.complaint, "");
  EXPECT_GT(result.states, 10'000U);
}

struct BrokenQueue {
  QueueVariant variant;
  const char* complaint;
};

class BrokenBlockQueue : public testing::TestWithParam<BrokenQueue> {};

TEST_P(BrokenBlockQueue, IsCaught) {
  EXPECT_EQ(explore(GetParam().variant).complaint, GetParam().complaint);
}

INSTANTIATE_TEST_SUITE_P(
    BlockQueueModel, BrokenBlockQueue,
    testing::Values(BrokenQueue{QueueVariant::kPublishBeforeWriting, "an empty cell is popped"},
                    BrokenQueue{QueueVariant::kReleaseBeforeReading, "a block is overwritten"},
                    BrokenQueue{QueueVariant::kPushWithoutATurn, "a block is overwritten"},
                    BrokenQueue{QueueVariant::kClaimWithoutALook, "a block is overwritten"}));

}  // namespace
}  // namespace luna
