// SPDX-License-Identifier: MIT
// The container of gzip (RFC 1952) around data that is stored as it is: readers that want
// gzip are served, without a library for compression.
#pragma once

#include "base/output.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Large (2 KiB). The data ends with finish().
class GzipOutput {
 public:
  // Requires: `out` lives as long as this.
  explicit GzipOutput(Output& out) noexcept;

  [[nodiscard]] Output output() noexcept { return {&GzipOutput::write, this}; }

  // False: the output behind it has failed.
  [[nodiscard]] bool finish() noexcept;

 private:
  static bool write(void* gzip, std::string_view bytes) noexcept;
  void put_block(bool is_last) noexcept;
  void put_number(std::uint32_t value, std::size_t bytes) noexcept;

  static constexpr std::size_t kBlockBytes = 2048;  // 5 bytes more for each block

  Output& out_;
  std::uint32_t checksum_ = 0;
  std::uint32_t total_bytes_ = 0;  // modulo 2^32, as the format has it
  std::size_t length_ = 0;
  std::array<char, kBlockBytes> block_;
};

// CRC-32 of the text that gave `checksum`, with these bytes behind it. Begins with 0.
[[nodiscard]] std::uint32_t add_to_crc32(std::uint32_t checksum, std::string_view bytes) noexcept;

}  // namespace luna
