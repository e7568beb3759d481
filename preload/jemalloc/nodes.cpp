// SPDX-License-Identifier: MIT
#include "preload/jemalloc/nodes.hpp"

#include "base/format.hpp"
#include "control/options.hpp"
#include "heap/size_class.hpp"

namespace luna::jemalloc {

namespace {

// The parts of a name, one after the other.
class Parts {
 public:
  explicit Parts(std::string_view name) noexcept : rest_(name) {}

  [[nodiscard]] bool at_end() const noexcept { return at_end_; }
  [[nodiscard]] std::string_view next() noexcept {
    const std::size_t dot = rest_.find('.');
    const std::string_view part = part_of(rest_, 0, dot);
    at_end_ = dot == std::string_view::npos;
    rest_ = at_end_ ? std::string_view() : part_of(rest_, dot + 1);
    return part;
  }

 private:
  std::string_view rest_;
  bool at_end_ = false;
};

[[nodiscard]] bool is_number(std::string_view part) noexcept { return part == "#"; }

// Whether a row has something of this number.
[[nodiscard]] bool exists(std::string_view row, std::size_t number) noexcept {
  if (row.starts_with("arenas.bin.")) return number < kSizeClasses;
  return number <= kArenas || number == kAllArenas;
}

// Whether a part of a name is that of a row; if it is a number, which.
[[nodiscard]] bool is_part(std::string_view row, std::string_view expected, std::string_view part,
                           std::size_t& number) noexcept {
  if (!is_number(expected)) return part == expected;
  return read_number(part, number) && exists(row, number);
}

// The first of the rows, up to this one, whose names begin with the same parts.
[[nodiscard]] std::size_t first_alike(std::size_t row, std::size_t bytes) noexcept {
  const std::string_view name = node_table()[row].name;
  const std::string_view start = part_of(name, 0, bytes);
  while (row != 0) {
    const std::string_view above = node_table()[row - 1].name;
    if (!above.starts_with(start) || (above.size() > bytes && above[bytes] != '.')) break;
    --row;
  }
  return row;
}

// The parts of a row's name; `number` is that which it has.
[[nodiscard]] Mib mib_of_row(std::size_t row, std::size_t number, std::size_t most) noexcept {
  Mib mib;
  Parts parts(node_table()[row].name);
  std::size_t bytes = 0;
  while (!parts.at_end() && mib.count < most) {
    const std::string_view part = parts.next();
    bytes += part.size();
    mib.parts[mib.count++] = is_number(part) ? number : first_alike(row, bytes);
    ++bytes;
  }
  return mib;
}

struct Match {
  std::size_t parts = 0;  // 0: the row does not begin so
  bool whole = false;     // nor does it go on
  std::size_t number = 0;
};

[[nodiscard]] Match match(std::string_view row, std::string_view name) noexcept {
  Match result;
  Parts expected(row);
  Parts given(name);
  while (!given.at_end()) {
    if (expected.at_end()) return {};
    const std::string_view wanted = expected.next();
    if (!is_part(row, wanted, given.next(), result.number)) return {};
    ++result.parts;
  }
  result.whole = expected.at_end();
  return result;
}

}  // namespace

FoundNode find_node(std::string_view name) noexcept {
  for (const Node& node : node_table())
    if (const Match found = match(node.name, name); found.whole) return {&node, found.number};
  return {};
}

FoundNode find_node(std::span<const std::size_t> mib) noexcept {
  const std::span<const Node> table = node_table();
  if (mib.empty() || mib.size() > Mib::kMostParts || mib.back() >= table.size()) return {};
  const Node& node = table[mib.back()];
  std::size_t number = 0;
  std::size_t at = 0;
  for (Parts parts(node.name); !parts.at_end(); ++at) {
    const bool numbered = is_number(parts.next());
    if (at < mib.size() && numbered) number = mib[at];
  }
  if (at != mib.size() || !exists(node.name.view(), number)) return {};
  const Mib own = mib_of_row(mib.back(), number, Mib::kMostParts);
  for (std::size_t i = 0; i < mib.size(); ++i)
    if (own.parts[i] != mib[i]) return {};
  return {&node, number};
}

Mib mib_of(std::string_view name) noexcept {
  for (std::size_t row = 0; row < node_table().size(); ++row) {
    const Match found = match(node_table()[row].name, name);
    if (found.parts != 0) return mib_of_row(row, found.number, found.parts);
  }
  return {};
}

}  // namespace luna::jemalloc
