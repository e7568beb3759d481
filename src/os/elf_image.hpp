// SPDX-License-Identifier: MIT
// What the header of a mapped ELF file says: its build-id, and where its code was meant
// to lie. Reads memory that another thread may unmap meanwhile; see modules.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

inline constexpr std::size_t kMaxBuildIdBytes = 64;  // linkers write 16 or 20
using BuildIdText = std::array<char, 2 * kMaxBuildIdBytes>;

class ElfImage {
 public:
  // The mapping that starts with the file's first byte. What is no ELF file, or has its
  // program headers elsewhere, is as a file without any.
  ElfImage(std::uintptr_t begin, std::uintptr_t end) noexcept;

  // In hexadecimal digits, written into `text`; empty: it has none.
  [[nodiscard]] std::string_view build_id(BuildIdText& text) const noexcept;

  // The address that the file's symbols and debug information use for the code at this
  // offset of the file.
  [[nodiscard]] std::uint64_t symbol_address(std::uint64_t file_offset) const noexcept;

 private:
  std::uintptr_t begin_;
  std::size_t bytes_;
  std::size_t headers_offset_ = 0;
  std::size_t header_count_ = 0;
};

}  // namespace luna::os
