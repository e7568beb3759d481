// SPDX-License-Identifier: MIT
// The names of mallctl(3), such as stats.arenas.0.pactive, and the numbers that stand for them.
// The table is in table.cpp.
#pragma once

#include "base/inline_text.hpp"
#include "preload/jemalloc/request.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace luna::jemalloc {

// The one arena that there is; and what stands for all of them, one by an older custom.
inline constexpr std::size_t kArenas = 1;
inline constexpr std::size_t kAllArenas = 4096;

struct Node {
  InlineText<40> name;  // '#' is the place of a number; no name has two
  int (*run)(const Request& request, std::size_t number) noexcept;
};

// Names with the same beginning stand side by side.
[[nodiscard]] std::span<const Node> node_table() noexcept;

// A name in parts: for each word the first row whose name begins so, and the numbers as they are.
// One that is cut off is the beginning of that of a longer name.
struct Mib {
  static constexpr std::size_t kMostParts = 6;

  std::size_t parts[kMostParts] = {};
  std::size_t count = 0;
};

// What is to be run: nullptr, there is no such name.
struct FoundNode {
  const Node* node = nullptr;
  std::size_t number = 0;
};

[[nodiscard]] FoundNode find_node(std::string_view name) noexcept;
[[nodiscard]] FoundNode find_node(std::span<const std::size_t> mib) noexcept;

// Of a name, or of the beginning of one. No parts: there is none that begins so.
[[nodiscard]] Mib mib_of(std::string_view name) noexcept;

}  // namespace luna::jemalloc
