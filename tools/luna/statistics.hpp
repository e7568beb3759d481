// SPDX-License-Identifier: MIT
// The page /stats.json of a process: docs/statistics.md has the keys.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

// What came is no such page; what() is a line that says why.
struct NoStatistics : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Statistics {
  struct SizeClass {
    std::uint64_t block_bytes = 0;
    std::uint64_t used_blocks = 0;  // in use or in a list of a thread
    std::uint64_t free_blocks = 0;  // of those that were cut, and those that were not
    double fullness = 0;
  };
  struct Heap {
    std::string name;
    std::uint64_t live_bytes = 0;
    std::uint64_t cached_bytes = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t limit_bytes = 0;  // 0: none
    std::uint64_t denied = 0;
  };
  struct ThreadHeap {
    std::optional<std::uint64_t> thread;  // the kernel's number; nothing: it waits for a thread
    std::uint64_t used_bytes = 0;
    std::uint64_t cached_bytes = 0;
  };

  // Nothing: there is no such figure, or the process does not know it.
  [[nodiscard]] std::optional<double> find(std::string_view name) const;

  // For sums and pictures; 0 where it is not known.
  [[nodiscard]] double figure(std::string_view name) const { return find(name).value_or(0); }

  // All that stand outside of lists; no two have the same name.
  std::map<std::string, std::optional<double>, std::less<>> figures;
  std::vector<SizeClass> classes;
  std::vector<Heap> heaps;
  std::vector<ThreadHeap> threads;
};

// Throws NoStatistics. Nothing in the text is trusted: names are as they came, and figures are
// finite.
[[nodiscard]] Statistics parse_statistics(const std::string& text);

}  // namespace luna::tool
