// SPDX-License-Identifier: MIT
// /proc/self/maps, line by line, by plain system calls into a buffer of the caller's.
// mappings.hpp and modules.hpp say what it means.
#pragma once

#include "base/output.hpp"
#include "os/kernel_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

struct MapsLine {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string_view permissions;  // as in r-xp
  std::uint64_t offset = 0;
  std::uint64_t device = 0;  // both of its numbers in one; 0: of no file
  std::uint64_t inode = 0;
  std::string_view name;  // empty where the kernel gives none
};

[[nodiscard]] MapsLine parse_maps_line(std::string_view line) noexcept;

// Owns the open file. Threads: one at a time.
class MapsReader {
 public:
  // Requires: room for 128 bytes or more. A name that the buffer has no room for is cut.
  // `path` is that of a file with lines of this kind.
  MapsReader(char* buffer, std::size_t capacity,
             const char* path = "/proc/thread-self/maps") noexcept;

  // False after the last line. The texts of a line are good until the next call.
  [[nodiscard]] bool next(MapsLine& line) noexcept;

  // The same as plain text.
  [[nodiscard]] bool next_text(std::string_view& line) noexcept;

 private:
  LineReader lines_;
};

// Writes the whole text as the kernel gives it. False: it cannot be read, or the
// output has failed.
[[nodiscard]] bool write_maps(Output& out) noexcept;

}  // namespace luna::os
