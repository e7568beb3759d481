// SPDX-License-Identifier: MIT
// /proc/self/smaps: each mapping of the process and how much of it is in memory. Slow: the
// kernel walks all page tables. For the mappings alone, see process_maps.hpp.
#pragma once

#include "os/process_maps.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

struct SmapsMapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string_view name;              // as in MapsLine; good until the next call
  std::uint64_t resident_bytes = 0;   // Rss
  std::uint64_t huge_page_bytes = 0;  // AnonHugePages
};

// Large: to be made in mapped memory. Threads: one at a time.
class SmapsReader {
 public:
  SmapsReader() noexcept;
  SmapsReader(const SmapsReader&) = delete;
  SmapsReader& operator=(const SmapsReader&) = delete;

  // False after the last one, or if the file cannot be read.
  [[nodiscard]] bool next(SmapsMapping& mapping) noexcept;

 private:
  static constexpr std::size_t kNameBytes = 256;

  std::array<char, 8192> buffer_;
  std::array<char, kNameBytes> name_;
  MapsReader lines_;
};

// Page faults of the process since its start.
struct PageFaults {
  std::uint64_t minor = 0;  // without input
  std::uint64_t major = 0;
};

// False: the kernel does not say.
[[nodiscard]] bool count_page_faults(PageFaults& faults) noexcept;

}  // namespace luna::os
