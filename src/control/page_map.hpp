// SPDX-License-Identifier: MIT
// The map of all regions and of what their pages are used for, as JSON. docs/map.md.
#pragma once

#include "base/output.hpp"
#include "control/own_ranges.hpp"
#include "heap/region_walk.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

// Pages, and how many of them the kernel backs.
struct MappedPages {
  std::size_t pages = 0;
  std::size_t resident = 0;
};

// Regions go out a few at a time, each as it was at one moment; no lock is held while they do, and
// no file is open. Large: to be made in mapped memory. Threads: one; others go on, as RegionWalk
// says.
class PageMap {
 public:
  PageMap(Allocator& allocator, Profiler& profiler) noexcept
      : allocator_(allocator), profiler_(profiler), walk_(allocator) {}
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;

  // Before write(): a table that neither of the two has, counted as telemetry.
  void add_table(std::span<const std::byte> table) noexcept {
    own_.add(table.data(), table.size(), OwnKind::kTelemetry);
  }

  // Once.
  void write(Output& out) noexcept;

 private:
  // What the kernel says of a picture.
  struct Backing {
    PageSet resident;  // of one region; of more their number alone
    std::size_t resident_pages = 0;
    std::size_t huge_bytes = 0;
  };

  void ask_kernel(std::span<const RegionPicture> pictures) noexcept;
  void write_region(const RegionPicture& picture, const Backing& backing, Output& out) noexcept;
  void write_runs(const RegionPicture& picture, const Backing& backing, Output& out) noexcept;
  void write_tables(Output& out) const noexcept;
  void write_totals(Output& out) const noexcept;
  void add_resident(Output& out, std::string_view name, std::size_t amount) const noexcept;
  void add_huge(Output& out, std::size_t bytes) const noexcept;

  Allocator& allocator_;
  Profiler& profiler_;
  bool tells_residency_ = false;
  bool tells_huge_ = true;
  std::size_t regions_ = 0;
  std::size_t bytes_ = 0;
  std::size_t used_block_bytes_ = 0;
  std::size_t huge_bytes_ = 0;
  std::array<MappedPages, kPageUses> uses_{};
  std::array<Backing, RegionWalk::kMost> backings_;
  RegionWalk walk_;
  OwnRanges own_;
};

}  // namespace luna
