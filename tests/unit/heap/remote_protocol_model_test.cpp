// SPDX-License-Identifier: MIT
// Tries every interleaving of remote frees in the model beside this file. What
// must hold: no freed block is lost, a slab is in one place at a time, and none
// is released with a block out. Broken variants of the protocol must be caught,
// else the search proves nothing.
#include "heap/remote_protocol_model.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>

namespace luna {
namespace {

using test::Model;
using test::State;
using test::Variant;

struct Result {
  std::size_t states = 0;
  std::string complaint;
  std::string steps;  // how it came to that
};

// How a state was first reached.
struct Origin {
  const State* from = nullptr;
  const char* what = "";
};

[[nodiscard]] std::string steps_to(const std::map<State, Origin>& seen, const State* state) {
  std::string result;
  while (state != nullptr) {
    const Origin& origin = seen.at(*state);
    result = std::string(origin.what) + "\n" + result;
    state = origin.from;
  }
  return result;
}

// Breadth first, so that the way to a complaint is a shortest one.
[[nodiscard]] Result explore(Variant variant) {
  const Model model(variant);
  std::map<State, Origin> seen;
  std::deque<const State*> waiting;
  waiting.push_back(&seen.emplace(State{}, Origin{}).first->first);
  while (!waiting.empty()) {
    const State* state = waiting.front();
    waiting.pop_front();
    if (const char* complaint = Model::complaint(*state); complaint != nullptr)
      return {seen.size(), complaint, steps_to(seen, state)};
    model.for_each_next(*state, [&](const State& next, const char* what) {
      const auto [at, is_new] = seen.emplace(next, Origin{state, what});
      if (is_new) waiting.push_back(&at->first);
    });
  }
  return {seen.size(), "", ""};
}

TEST(RemoteProtocol, HoldsInEveryInterleaving) {
  const Result result = explore(Variant::kSound);

  EXPECT_EQ(result.complaint, "") << result.steps;
  EXPECT_GT(result.states, 10'000U);
}

struct Broken {
  Variant variant;
  const char* complaint;
};

class BrokenProtocol : public testing::TestWithParam<Broken> {};

TEST_P(BrokenProtocol, IsCaught) {
  EXPECT_EQ(explore(GetParam().variant).complaint, GetParam().complaint);
}

INSTANTIATE_TEST_SUITE_P(
    RemoteProtocol, BrokenProtocol,
    testing::Values(Broken{Variant::kUnlistAfterCollecting, "a freed block is lost"},
                    Broken{Variant::kPublishBitsAfterListing, "a freed block is lost"},
                    Broken{Variant::kPushOrphanWithoutALook, "it is pushed to no owner"},
                    Broken{Variant::kReadOwnerBeforeUnlisting, "a freed block is lost"},
                    Broken{Variant::kReleaseWithoutCounting, "it was released with a block out"}));

}  // namespace
}  // namespace luna
