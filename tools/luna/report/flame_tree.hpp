// SPDX-License-Identifier: MIT
// The call tree of a profile, with as much of it as a person can look at.
#pragma once

#include "heap_profile.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace luna::tool {

// Invariants: parents stand before their children, and nodes[0] is the root. A node has
// types.size() values, then as many of the earlier profile if there is one.
struct FlameTree {
  struct Type {
    std::string name;  // as `luna profile --type` has it
    std::string title;
    std::string unit;
    std::string column;  // the profile's own name of the values
  };
  struct Name {
    std::string text;
    std::string module;  // the last part of its path; empty: it is not known
  };
  struct Node {
    std::uint32_t parent = 0;
    std::uint32_t name = 0;    // a place in `names`
    std::uint32_t merged = 0;  // so many frames, each too small to be seen, in one; 0: it is itself
  };

  [[nodiscard]] std::int64_t value_of(std::size_t node, std::size_t type, bool earlier) const {
    return values[node * columns + (earlier ? types.size() : 0) + type];
  }

  std::vector<Type> types;  // those that the profile tells; the first is what it is of
  bool has_earlier = false;
  std::size_t columns = 0;
  std::vector<Name> names;
  std::vector<Node> nodes;
  std::vector<std::int64_t> values;
};

// `earlier`: a profile to compare with, whose sites are matched by names; may be null. Those with
// most are unfolded first, and what is behind about `most_nodes` is merged, so that no sum changes.
[[nodiscard]] FlameTree make_flame_tree(const HeapProfile& profile, const HeapProfile* earlier,
                                        std::size_t most_nodes);

}  // namespace luna::tool
