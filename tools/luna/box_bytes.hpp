// SPDX-License-Identifier: MIT
// The bytes of a black box: in memory, or of a file, of which no more than a part is in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace luna::tool {

class BoxBytes {
 public:
  static constexpr std::size_t kMostAtOnce = std::size_t{1} << 20;

  // They must outlive it.
  explicit BoxBytes(std::string_view bytes) noexcept : all_(bytes), size_(bytes.size()) {}
  // The first `size` of an open file, which stays the caller's.
  BoxBytes(int file, std::uint64_t size) noexcept : file_(file), size_(size) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  // As many as there are of so many, kMostAtOnce of them at most. Good until the next call.
  [[nodiscard]] std::string_view at(std::uint64_t place, std::size_t bytes);

  // The first place from that one on that lies in no hole of the file; size() or more: there is
  // none.
  [[nodiscard]] std::uint64_t next_data(std::uint64_t place) const noexcept;

 private:
  int file_ = -1;  // -1: all are in memory
  std::string_view all_;
  std::uint64_t size_;
  std::string window_;
  std::uint64_t window_begin_ = 0;
};

}  // namespace luna::tool
