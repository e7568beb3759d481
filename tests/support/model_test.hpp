// SPDX-License-Identifier: MIT
// What each test of a model asserts: that the model holds as it is, and that the search finds each
// step that is left out or made weaker on purpose, for else it would prove nothing.
#pragma once

#include "support/explore.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>
#include <type_traits>

namespace luna::test {

// Fewer states than `least` would say that the model hardly does anything.
inline void expect_holds(const Explored& result, std::size_t least) {
  EXPECT_EQ(result.complaint, "") << result.steps;
  EXPECT_GT(result.states, least);
}

template <typename Variant>
struct Broken {
  Variant variant;
  const char* complaint;
};

template <typename Variant>
void expect_caught(Explored (*explore)(Variant),
                   std::initializer_list<std::type_identity_t<Broken<Variant>>> broken) {
  for (const Broken<Variant>& one : broken)
    EXPECT_EQ(explore(one.variant).complaint, one.complaint)
        << "of variant " << static_cast<int>(one.variant);
}

}  // namespace luna::test
