// SPDX-License-Identifier: MIT
// What each test of a model asserts: that the model holds as it is, and that the search finds each
// step that is left out or made weaker on purpose, for else it would prove nothing.
#pragma once

#include "support/explore.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <type_traits>

namespace luna::test {

// Fewer states than `least` would say that the model hardly does anything.
[[nodiscard]] inline testing::AssertionResult holds(const Explored& result, std::size_t least) {
  if (!result.complaint.empty())
    return testing::AssertionFailure() << result.complaint << "\n" << result.steps;
  if (result.states > least) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "only " << result.states << " states";
}

template <typename Variant>
struct Broken {
  Variant variant;
  const char* complaint;
};

template <typename Variant>
[[nodiscard]] testing::AssertionResult catches(
    Explored (*explore)(Variant),
    std::initializer_list<std::type_identity_t<Broken<Variant>>> all) {
  for (const Broken<Variant>& one : all) {
    const std::string complaint = explore(one.variant).complaint;
    if (complaint != one.complaint)
      return testing::AssertionFailure()
             << "variant " << static_cast<int>(one.variant) << ": \"" << complaint
             << "\" instead of \"" << one.complaint << "\"";
  }
  return testing::AssertionSuccess();
}

}  // namespace luna::test
