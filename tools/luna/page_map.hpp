// SPDX-License-Identifier: MIT
// A map of pages, as docs/map.md has it: read as JSON, told as text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace luna::tool {

// Bytes of memory that are used for the same.
struct PageAmount {
  std::uint64_t bytes = 0;
  std::uint64_t resident = 0;  // all of them, where nothing is known
  std::uint64_t live = 0;      // of blocks
};

struct PageMap {
  // The last is for words that this program does not know.
  enum Use : std::size_t { kSlab, kSpare, kLarge, kKept, kDirty, kRetained, kOther, kUses };

  // Of a part of a region.
  struct Cell {
    double bytes = 0;
    double resident = 0;
    double live = 0;
  };
  static constexpr std::size_t kCells = 32;

  struct Region {
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
    std::string kind;
    std::optional<std::string> heap;  // none: that of malloc
    std::string huge;
    std::array<Cell, kCells> cells{};
    PageAmount sum;
    std::uint64_t free_pages_bytes = 0;  // of it, dirty and retained
  };

  std::vector<Region> regions;  // by rising address
  std::array<PageAmount, kUses> uses{};
  std::uint64_t table_bytes = 0;                // resident, of the library's own tables
  std::optional<std::uint64_t> huge_bytes = 0;  // none: the kernel does not say
  std::string cut;                              // why it has not all of it; empty: it has
};

// What was cut short has the regions before the cut. Throws ProfileError.
[[nodiscard]] PageMap read_page_map(std::istream& in);

// A line for each region, totals, and what they mean.
void write_page_map_text(const PageMap& map, std::ostream& out);

}  // namespace luna::tool
