// SPDX-License-Identifier: MIT
// Tries everything that can happen in a model, breadth first, so that the way to a complaint is a
// shortest one. Models are beside the tests of what they are models of; what runs on weakly ordered
// memory is written with support/interleaver.hpp.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

namespace luna::test {

struct Explored {
  std::size_t states = 0;
  std::string complaint;
  std::string steps;  // how it came to that, a line each
};

// The model has for_each_next(state, visit), which calls visit(next state, what happened), and
// complaint(state): what must not be in it, or nullptr.
template <typename Model, typename State>
[[nodiscard]] Explored explore(const Model& model, const State& first) {
  struct Origin {
    const State* from;
    std::string what;
  };
  std::map<State, Origin> seen;
  std::deque<const State*> waiting = {&seen.emplace(first, Origin{nullptr, ""}).first->first};
  while (!waiting.empty()) {
    const State* state = waiting.front();
    waiting.pop_front();
    if (const char* complaint = model.complaint(*state); complaint != nullptr) {
      Explored result = {seen.size(), complaint, ""};
      for (; state != nullptr; state = seen.at(*state).from)
        result.steps.insert(0, seen.at(*state).what + "\n");
      return result;
    }
    model.for_each_next(*state, [&](const State& next, const std::string& what) {
      const auto [at, is_new] = seen.emplace(next, Origin{state, what});
      if (is_new) waiting.push_back(&at->first);
    });
  }
  return {seen.size(), "", ""};
}

}  // namespace luna::test
