// SPDX-License-Identifier: MIT
#include "amount_text.hpp"
#include "byte_text.hpp"
#include "page_map.hpp"
#include "printable.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <string_view>

namespace luna::tool {

namespace {

constexpr std::string_view kLegend =
    "Each mark is a part of a region: ' ' free and not backed, '.' free but backed; blocks take\n"
    "'-' up to a quarter, '=' half, '+' three quarters, '#' more.\n";

// Of a part, from which on the region looks as empty as it costs.
constexpr std::uint64_t kSparseShare = 4;  // one in so many

[[nodiscard]] char mark_of(const PageMap::Cell& cell) {
  constexpr std::string_view kMarks = "-=+#";
  if (cell.live <= 0) return cell.resident > 0 ? '.' : ' ';
  const double quarters = cell.live / cell.bytes * static_cast<double>(kMarks.size());
  const auto mark = static_cast<std::size_t>(std::max(0.0, quarters - 1e-9));
  return kMarks[std::min(mark, kMarks.size() - 1)];
}

[[nodiscard]] std::string percent_text(std::uint64_t part, std::uint64_t whole) {
  return share_text(static_cast<std::int64_t>(part), static_cast<std::int64_t>(whole));
}

void write_region(const PageMap::Region& region, std::ostream& out) {
  std::ostringstream line;
  line << hex_text(region.address) << " |";
  for (const PageMap::Cell& cell : region.cells) line << mark_of(cell);
  line << "| " << std::setw(9) << byte_text(region.bytes) << ' ' << std::setw(7)
       << percent_text(region.sum.live, region.sum.bytes);
  if (region.huge != "plain") line << ' ' << printable(region.huge);
  if (region.heap) line << " \"" << printable(*region.heap) << '"';
  out << line.str() << '\n';
}

void write_amount(std::string_view name, std::uint64_t bytes, const std::string& note,
                  std::ostream& out) {
  out << "  " << std::left << std::setw(12) << name << std::right << std::setw(10)
      << byte_text(bytes) << "  " << note << '\n';
}

// Resident, and of no block.
struct Idle {
  std::uint64_t in_slabs = 0;
  std::uint64_t in_pages = 0;

  explicit Idle(const PageMap& map) {
    const PageAmount& slabs = map.uses[PageMap::kSlab];
    in_slabs = slabs.resident - std::min(slabs.live, slabs.resident);
    for (const std::size_t use :
         {PageMap::kSpare, PageMap::kKept, PageMap::kDirty, PageMap::kRetained, PageMap::kOther})
      in_pages += map.uses[use].resident;
  }
};

[[nodiscard]] std::string_view judgement(std::uint64_t idle, std::uint64_t resident) {
  constexpr std::uint64_t kLittle = 10;
  constexpr std::uint64_t kMuch = 3;
  if (idle <= resident / kLittle) return "little";
  return idle <= resident / kMuch ? "some" : "much";
}

void write_fragmentation(const PageMap& map, std::uint64_t resident, std::ostream& out) {
  const Idle idle(map);
  const std::uint64_t all = idle.in_slabs + idle.in_pages;
  out << "Fragmentation: " << judgement(all, resident) << ". Of " << byte_text(resident)
      << " resident, " << byte_text(all) << " (" << percent_text(all, resident)
      << ") hold no block:\n  " << byte_text(idle.in_slabs) << " inside slabs, and "
      << byte_text(idle.in_pages)
      << " in pages that lie free or ready, which `luna purge` or time\n"
      << "  gives back for the most part.\n";
  std::size_t sparse = 0;
  std::uint64_t held = 0;
  for (const PageMap::Region& region : map.regions) {
    if (region.sum.live == 0 || region.sum.live > region.sum.bytes / kSparseShare) continue;
    ++sparse;
    held += region.sum.resident;
  }
  if (sparse != 0)
    out << "  " << sparse << (sparse == 1 ? " region is" : " regions are")
        << " used to a quarter at most: " << byte_text(held) << " resident.\n";
}

}  // namespace

void write_page_map_text(const PageMap& map, std::ostream& out) {
  PageAmount sum;
  for (const PageAmount& use : map.uses) {
    sum.bytes += use.bytes;
    sum.resident += use.resident;
  }
  out << kLegend << '\n';
  for (const PageMap::Region& region : map.regions) write_region(region, out);
  const auto& uses = map.uses;
  out << '\n'
      << map.regions.size() << (map.regions.size() == 1 ? " region of " : " regions of ")
      << byte_text(sum.bytes) << ", " << byte_text(sum.resident) << " of it resident";
  if (map.huge_bytes) out << ", " << byte_text(*map.huge_bytes) << " in huge pages";
  out << "; tables: " << byte_text(map.table_bytes) << '\n';
  write_amount("slabs", uses[PageMap::kSlab].bytes,
               percent_text(uses[PageMap::kSlab].live, uses[PageMap::kSlab].bytes) + " in blocks",
               out);
  write_amount("large", uses[PageMap::kLarge].bytes, "in blocks of whole pages", out);
  write_amount("ready", uses[PageMap::kSpare].bytes + uses[PageMap::kKept].bytes,
               "kept by threads, and blocks kept whole", out);
  write_amount("dirty", uses[PageMap::kDirty].bytes, "free, and perhaps backed", out);
  write_amount("retained", uses[PageMap::kRetained].bytes, "free, given back or never touched",
               out);
  if (uses[PageMap::kOther].bytes != 0)
    write_amount("other", uses[PageMap::kOther].bytes, "of uses that this program does not know",
                 out);
  out << '\n';
  write_fragmentation(map, sum.resident, out);
}

}  // namespace luna::tool
